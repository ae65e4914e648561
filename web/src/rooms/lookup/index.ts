import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'lookup',
  icons: { '/lookup': 'lookup', '/lookup/ledger': 'audit' },
  pages: {
    '/lookup': () => import('./Lookup.vue'),
    '/lookup/ledger': { desk: () => import('./Ledger.vue'), phone: () => import('./Ledger.m.vue') },
  },
})
