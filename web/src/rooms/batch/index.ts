import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'batch',
  icons: { '/batch': 'queue', '/batch/asks': 'case', '/batch/trace': 'search' },
  pages: {
    '/batch': { desk: () => import('./Runs.vue'), phone: () => import('./Runs.m.vue') },
    '/batch/new': () => import('./New.vue'),
    '/batch/trace': () => import('./Trace.vue'),
    '/batch/asks': () => import('./Asks.vue'),
    '/batch/asks/new': () => import('./AskNew.vue'),
    '/batch/asks/:id': () => import('./Ask.vue'),
    '/batch/:id': () => import('./Run.vue'),
  },
})
