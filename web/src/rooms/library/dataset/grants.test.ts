import { expect, it } from 'vitest'
import type { Dataset } from '../states'
import { dateIn, dayBegins, dayEnds, standing } from './grants'

const grant = (more: object) => ({ revokedAt: null, active: false, from: '2023-01-01T00:00:00Z', until: '2023-12-31T00:00:00Z', ...more }) as Dataset['grants'][number]
const now = new Date('2023-06-01T00:00:00Z')

it('says how a grant stands', () => {
  expect(standing(grant({ active: true }), now)).toBe('active')
  expect(standing(grant({ from: '2023-07-01T00:00:00Z' }), now)).toBe('coming')
  expect(standing(grant({}), now)).toBe('ended')
  expect(standing(grant({ active: true, revokedAt: '2023-05-01T00:00:00Z' }), now)).toBe('revoked')
})

it('counts months over ends of months and years', () => {
  expect([dateIn(3, '2023-11-30'), dateIn(12, '2024-02-29'), dateIn(1, '2023-12-31'), dateIn(0, '2023-05-05')]).toEqual(['2024-02-29', '2025-02-28', '2024-01-31', '2023-05-05'])
})

it('takes days as Beijing has them, the last one included', () => {
  expect(new Date(dayBegins('2023-06-01')).toISOString()).toBe('2023-05-31T16:00:00.000Z')
  expect(dayEnds('2023-06-01')).toBe('2023-06-01T15:59:59.999Z')
})
