import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'lookup',
  icons: { '/lookup': 'lookup', '/lookup/ledger': 'audit', '/lookup/subject': 'me' },
  pages: {
    '/lookup': () => import('./Lookup.vue'),
    '/lookup/subject': () => import('./Subject.vue'),
    '/lookup/ledger': { desk: () => import('./Ledger.vue'), phone: () => import('./Ledger.m.vue') },
  },
})
