import { describe, expect, it } from 'vitest'
import { share, stepOf } from './states'

describe('states', () => {
  it('never rounds to everything', () => {
    expect(share(344_999, 345_000)).toBe('99.9%')
    expect(share(345_000, 345_000)).toBe('100%')
    expect(share(1, 3)).toBe('33.3%')
    expect(share(0, 0)).toBe('0%')
  })
  it('knows the steps', () => {
    expect(stepOf('draft')).toBe(3)
    expect(stepOf('running')).toBe(4)
    expect(stepOf('done')).toBe(5)
  })
})
