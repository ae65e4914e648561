import { expect, it } from 'vitest'
import { points, slices } from './chart'

it('a pie is a whole, its small slices put together', () => {
  const all = slices(Array.from({ length: 9 }, (_, i) => ({ title: String(i), value: i })), 'rest')
  expect(all.length).toBe(6)
  expect(all.at(-1)).toMatchObject({ title: 'rest', value: 3 + 2 + 1 })
  expect(all.reduce((sum, one) => sum + one.share, 0)).toBeCloseTo(1)
  expect(slices([{ title: 'a', value: 5 }], '')[0]!.share).toBe(1)
  expect(slices([], '')).toEqual([])
})
it('the largest reaches the top', () => {
  expect(points([{ title: 'a', value: 4 }, { title: 'b', value: 1 }], 100, 40).map((one) => one.y)).toEqual([0, 30])
  expect(points([{ title: 'a', value: 0 }], 100, 40)[0]!.y).toBe(40)
})
