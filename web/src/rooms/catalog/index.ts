import { defineRoom } from '@/base/room'

export default defineRoom({
  name: 'catalog',
  icon: 'library',
  icons: { '/catalog': 'library', '/catalog/mine': 'form', '/catalog/demands': 'switch', '/catalog/reports': 'chart' },
  pages: {
    '/catalog': { desk: () => import('./list/Catalog.vue'), phone: () => import('./list/Catalog.m.vue') },
    '/catalog/entries/:id': () => import('./entry/Entry.vue'),
    '/catalog/entries/:id/edit': () => import('./edit/Edit.vue'),
    '/catalog/new': () => import('./edit/Edit.vue'),
    '/catalog/mine': { desk: () => import('./mine/Mine.vue'), phone: () => import('./mine/Mine.m.vue') },
    '/catalog/demands': () => import('./demand/Demands.vue'),
    '/catalog/demands/:id': () => import('./demand/Demand.vue'),
    '/catalog/reports': () => import('./Reports.vue'),
  },
})
