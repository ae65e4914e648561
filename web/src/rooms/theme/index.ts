import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'theme',
  icons: { '/theme': 'library', '/theme/lineage': 'network' },
  pages: {
    '/theme': () => import('./Libraries.vue'),
    '/theme/lineage': () => import('./Lineage.vue'),
    '/theme/:id': () => import('./Library.vue'),
  },
})
