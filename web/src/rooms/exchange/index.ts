import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'exchange',
  icons: { '/exchange': 'switch', '/exchange/grants': 'key', '/exchange/figures': 'chart' },
  pages: {
    '/exchange': () => import('./Applications.vue'),
    '/exchange/apply': () => import('./apply/Apply.vue'),
    '/exchange/applications/:id': () => import('./apply/Application.vue'),
    '/exchange/grants': () => import('./Grants.vue'),
    '/exchange/grants/:id': () => import('./grant/Grant.vue'),
    '/exchange/figures': () => import('./Figures.vue'),
  },
})
