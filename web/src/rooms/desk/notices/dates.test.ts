import { expect, it } from 'vitest'
import { dateAfter, endOf } from './dates'

it('ends a pin with its last day, as Beijing has it', () => {
  expect(endOf('2023-12-01')).toBe('2023-12-01T15:59:59.000Z')
  expect(endOf('')).toBeNull()
})

it('counts days from the civil date of today', () => {
  expect(dateAfter(7, new Date('2023-11-24T17:00:00Z'))).toBe('2023-12-02')
})
