import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'batch',
  icons: { '/batch': 'queue', '/batch/trace': 'search' },
  pages: {
    '/batch': { desk: () => import('./Runs.vue'), phone: () => import('./Runs.m.vue') },
    '/batch/new': () => import('./New.vue'),
    '/batch/trace': () => import('./Trace.vue'),
    '/batch/:id': () => import('./Run.vue'),
  },
})
