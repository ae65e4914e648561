import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'flow',
  icons: { '/flow': 'todo', '/flow/deputies': 'switch', '/flow/stats': 'chart', '/flow/stuck': 'warning' },
  pages: {
    '/flow': () => import('./Tasks.vue'),
    '/flow/stats': () => import('./Stats.vue'),
    '/flow/deputies': () => import('./Deputies.vue'),
    '/flow/stuck': () => import('./Stuck.vue'),
    '/flow/cases/:id': () => import('./Case.vue'),
  },
})
