import { expect, it } from 'vitest'
import { asks, gradeOf, points, share } from './model'

it('writes scores as people do', () => {
  expect(points(9485)).toBe('94.85')
  expect(points(10000)).toBe('100.00')
  expect(points(5)).toBe('0.05')
  expect(points(-1)).toBe('–')
})

it('never calls one bad row of a million whole', () => {
  expect(share(999_999, 1_000_000)).toBe(9999)
  expect(share(0, 0)).toBe(-1)
})

it('knows what each kind of rule asks for', () => {
  expect(asks.compare).toContain('other')
  expect(asks.expression).not.toContain('column')
  expect(gradeOf('')).toBe('none')
})
