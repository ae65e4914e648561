import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'system',
  icon: 'health',
  icons: { '/system/jobs': 'queue' },
  pages: {
    '/system': () => import('./Health.vue'),
    '/system/jobs': { desk: () => import('./Jobs.vue'), phone: () => import('./Jobs.m.vue') },
  },
})
