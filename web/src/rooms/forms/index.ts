import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'forms',
  icons: { '/forms': 'app', '/forms/design': 'form', '/forms/resources': 'calendar' },
  pages: {
    '/forms': () => import('./Apps.vue'),
    '/forms/apps/:key': () => import('./List.vue'),
    '/forms/apps/:key/new': () => import('./New.vue'),
    '/forms/apps/:key/figures': () => import('./Figures.vue'),
    '/forms/entries/:id': () => import('./Entry.vue'),
    '/forms/design': () => import('./design/Versions.vue'),
    '/forms/design/:key': () => import('./design/Design.vue'),
    '/forms/resources': () => import('./Resources.vue'),
  },
})
