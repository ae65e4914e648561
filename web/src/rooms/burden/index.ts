import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'burden',
  icons: { '/burden': 'form', '/burden/sheets': 'todo', '/burden/meter': 'chart' },
  pages: {
    '/burden': () => import('./Reports.vue'),
    '/burden/new': () => import('./report/New.vue'),
    '/burden/reports/:id': () => import('./report/Report.vue'),
    '/burden/rounds/:id': () => import('./Round.vue'),
    '/burden/sheets': () => import('./fill/Sheets.vue'),
    '/burden/sheets/:id': () => import('./fill/Sheet.vue'),
    '/burden/fixes': () => import('./Fixes.vue'),
    '/burden/tips': () => import('./Tips.vue'),
    '/burden/meter': () => import('./meter/Meter.vue'),
  },
})
