import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'settings',
  icons: { '/settings': 'gear', '/settings/calendar': 'calendar' },
  pages: { '/settings': () => import('./Settings.vue'), '/settings/calendar': () => import('./Calendar.vue') },
})
