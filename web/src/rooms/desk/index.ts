import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'desk',
  pages: { '/desk': () => import('./Desk.vue') },
})
