import { defineRoom } from '@/base/room'

const log = { desk: () => import('./Log.vue'), phone: () => import('./Log.m.vue') }

export default defineRoom({
  name: 'audit',
  icons: { '/audit/verify': 'role', '/audit/auditors': 'eye' },
  pages: {
    '/audit': log,
    '/audit/auditors': log, // the same list over another route of the server
    '/audit/verify': () => import('./Verify.vue'),
  },
})
