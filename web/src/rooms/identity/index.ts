import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'identity',
  icons: { '/identity/sessions': 'screen', '/identity/selfcheck': 'audit' },
  pages: {
    '/identity': { desk: () => import('./Accounts.vue'), phone: () => import('./Accounts.m.vue') },
    '/identity/sessions': () => import('./Sessions.vue'),
    '/identity/selfcheck': () => import('./SelfCheck.vue'),
  },
})
