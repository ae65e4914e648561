import { expect, it } from 'vitest'
import { partOfDay } from './day'

it('greets by the hour', () => {
  expect([0, 5, 6, 10, 11, 12, 13, 17, 18, 23].map(partOfDay)).toEqual(['night', 'night', 'morning', 'morning', 'noon', 'noon', 'afternoon', 'afternoon', 'evening', 'evening'])
})
