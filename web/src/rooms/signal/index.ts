import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'signal',
  icons: { '/signal': 'warning', '/signal/list': 'chart' },
  pages: {
    '/signal': () => import('./Alarms.vue'),
    '/signal/alarms/:id': () => import('./Alarm.vue'),
    '/signal/list': () => import('./Signals.vue'),
    '/signal/list/:id': () => import('./Signal.vue'),
  },
})
