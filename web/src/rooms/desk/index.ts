import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'desk',
  icon: 'home',
  pages: { '/desk': () => import('./Desk.vue') },
})
