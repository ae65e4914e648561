import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'settings',
  icon: 'gear',
  pages: { '/settings': () => import('./Settings.vue') },
})
