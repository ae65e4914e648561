import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'quality',
  icons: { '/quality': 'health', '/quality/tickets': 'todo' },
  pages: {
    '/quality': () => import('./Scores.vue'),
    '/quality/tickets': () => import('./Tickets.vue'),
    '/quality/tickets/:id': () => import('./Ticket.vue'),
    '/quality/report': () => import('./Report.vue'),
    '/quality/:id': () => import('./Standing.vue'),
  },
})
