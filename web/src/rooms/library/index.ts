import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'library',
  icons: { '/library': 'upload', '/library/datasets': 'data' },
  pages: {
    '/library': { desk: () => import('./Loads.vue'), phone: () => import('./Loads.m.vue') },
    '/library/new': () => import('./upload/Upload.vue'),
    '/library/loads/:id': () => import('./load/Load.vue'),
    '/library/datasets': () => import('./Datasets.vue'),
    '/library/datasets/:id': () => import('./dataset/Dataset.vue'),
  },
})
