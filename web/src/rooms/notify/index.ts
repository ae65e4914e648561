import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'notify',
  icon: 'bell',
  pages: { '/notify': () => import('./Inbox.vue') },
})
