import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'iot',
  icons: { '/iot': 'signal' },
  pages: {
    '/iot': () => import('./Devices.vue'),
    '/iot/devices/:id': () => import('./Device.vue'),
  },
})
