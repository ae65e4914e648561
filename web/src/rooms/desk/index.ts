import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'desk',
  icons: { '/desk': 'home', '/desk/notices': 'notice' },
  pages: {
    '/desk': { desk: () => import('./Desk.vue'), phone: () => import('./Desk.m.vue') },
    '/desk/notices': { desk: () => import('./notices/List.vue'), phone: () => import('./notices/List.m.vue') },
    '/desk/notices/new': () => import('./notices/Write.vue'),
    '/desk/notices/:id': () => import('./notices/Read.vue'),
    '/desk/notices/:id/edit': () => import('./notices/Write.vue'),
    '/desk/notices/:id/receipts': () => import('./notices/Receipts.vue'),
  },
})
