import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'flow',
  icons: { '/flow': 'todo', '/flow/deputies': 'switch', '/flow/stats': 'chart', '/flow/drawings': 'network', '/flow/stuck': 'warning' },
  pages: {
    '/flow': () => import('./Tasks.vue'),
    '/flow/stats': () => import('./Stats.vue'),
    '/flow/deputies': () => import('./Deputies.vue'),
    '/flow/drawings': () => import('./draw/Drawings.vue'),
    '/flow/drawings/:kind': { desk: () => import('./draw/Draw.vue'), phone: () => import('./draw/Draw.m.vue') },
    '/flow/stuck': () => import('./Stuck.vue'),
    '/flow/cases/:id': () => import('./Case.vue'),
  },
})
