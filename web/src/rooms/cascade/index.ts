import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'cascade',
  icons: { '/cascade': 'network', '/cascade/batches': 'queue', '/cascade/entries': 'library', '/cascade/feeds': 'download', '/cascade/pairing': 'key' },
  pages: {
    '/cascade': () => import('./Nodes.vue'),
    '/cascade/nodes/:id': () => import('./Account.vue'),
    '/cascade/batches': { desk: () => import('./Batches.vue'), phone: () => import('./Batches.m.vue') },
    '/cascade/entries': () => import('./Entries.vue'),
    '/cascade/feeds': () => import('./Feeds.vue'),
    '/cascade/pairing': () => import('./Pairing.vue'),
  },
})
