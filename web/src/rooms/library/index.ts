import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'library',
  icons: { '/library': 'upload', '/library/sources': 'network', '/library/datasets': 'data', '/library/keys': 'lock' },
  pages: {
    '/library': { desk: () => import('./Loads.vue'), phone: () => import('./Loads.m.vue') },
    '/library/new': () => import('./upload/Upload.vue'),
    '/library/loads/:id': () => import('./load/Load.vue'),
    '/library/sources': () => import('./source/Sources.vue'),
    '/library/sources/new': () => import('./source/SourceEdit.vue'),
    '/library/sources/:id': () => import('./source/Source.vue'),
    '/library/sources/:id/edit': () => import('./source/SourceEdit.vue'),
    '/library/sources/feeds/:id': () => import('./feed/Feed.vue'),
    '/library/keys': () => import('./keys/Keys.vue'),
    '/library/datasets': () => import('./Datasets.vue'),
    '/library/datasets/:id': () => import('./dataset/Dataset.vue'),
  },
})
