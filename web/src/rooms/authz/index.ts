import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'authz',
  icons: { '/authz/delegations': 'switch' },
  pages: {
    '/authz': () => import('./Authz.vue'),
    '/authz/roles/:id': () => import('./Role.vue'), // "new" makes one
    '/authz/people/:id': () => import('./PersonRoles.vue'),
    '/authz/delegations': () => import('./Delegations.vue'),
  },
})
