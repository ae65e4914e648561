import { expect, it } from 'vitest'
import { grouped, lookOf, short } from './model'

it('groups a fingerprint as it is read out', () => {
  expect(grouped('0123456789ab')).toBe('0123 4567 89ab')
  expect(grouped('')).toBe('')
})

it('shortens a root without losing its ends', () => {
  expect(short('0123456789abcdef')).toBe('01234567…cdef')
  expect(short('')).toBe('')
})

it('looks at states it does not know too', () => {
  expect(lookOf('refused').tone).toBe('danger')
  expect(lookOf('new').tone).toBe('info')
})
