import { expect, it } from 'vitest'
import { defineRoom } from './room'

const page = async () => ({ default: {} })

it('accepts pages under the name of the room', () => {
  const room = defineRoom({ name: 'visit', pages: { '/visit': page, '/visit/:id': { desk: page, phone: page } } })
  expect(room.name).toBe('visit')
})
it.each(['/other', '/visits', 'visit', '/'])('refuses the page %s', (path) => {
  expect(() => defineRoom({ name: 'visit', pages: { [path]: page } })).toThrow(/must start with \/visit/)
})
