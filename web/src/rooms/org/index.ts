import { defineRoom } from '@/base/room'

const units = () => import('./Units.vue')
const person = () => import('./Person.vue')

export default defineRoom({
  name: 'org',
  icons: { '/org/people': 'people', '/org/groups': 'meeting' },
  pages: {
    '/org': { desk: units, phone: () => import('./Units.m.vue') },
    '/org/units/:id': { desk: units, phone: () => import('./Unit.m.vue') },
    '/org/people': { desk: () => import('./People.vue'), phone: () => import('./People.m.vue') },
    '/org/people/:id': person,
    '/org/groups': () => import('./Groups.vue'),
    '/org/groups/:id': () => import('./Group.vue'),
  },
})
