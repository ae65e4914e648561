import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'query',
  icons: { '/query': 'chart', '/query/sql': 'text', '/query/saved': 'doc', '/query/history': 'audit' },
  pages: {
    '/query': () => import('./build/Ask.vue'),
    '/query/sql': () => import('./sql/Workbench.vue'),
    '/query/saved': () => import('./saved/List.vue'),
    '/query/saved/:id': () => import('./saved/Saved.vue'),
    '/query/exports': () => import('./Exports.vue'),
    '/query/history': () => import('./History.vue'),
  },
})
