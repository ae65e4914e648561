import { expect, it } from 'vitest'
import { bytes, count, percent } from './amounts'

it('writes amounts for people', () => {
  expect([0, 999, 1024, 1_600_000, 250 * 1024 ** 2, 3 * 1024 ** 3].map(bytes)).toEqual(['0 B', '999 B', '1.0 KB', '1.5 MB', '250 MB', '3.0 GB'])
  expect(count(200_000)).toBe('200,000')
  expect([percent(0, 0), percent(999, 1000), percent(1000, 1000), percent(1, 3)]).toEqual([0, 99, 100, 33])
})
