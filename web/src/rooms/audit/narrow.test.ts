import { describe, expect, it } from 'vitest'
import { instant, narrow, noFilters, spanOf } from './narrow'

const now = new Date('2023-11-23T17:30:00Z') // 24 November, 01:30 in Wuhan

describe('spanOf', () => {
  it.each([
    ['', {}],
    ['today', { from: '2023-11-24T00:00:00+08:00' }],
    ['7', { from: '2023-11-18T00:00:00+08:00' }],
    ['30', { from: '2023-10-26T00:00:00+08:00' }],
    ['nonsense', {}],
  ])('%s', (period, span) => expect(spanOf({ period, from: '2020-01-01T00:00', to: '' }, now)).toEqual(span))

  it('takes both ends of an own period, or one', () => {
    expect(spanOf({ period: 'own', from: '2023-06-01T09:00', to: '2023-06-02T18:30' }, now)).toEqual({ from: '2023-06-01T09:00:00+08:00', to: '2023-06-02T18:30:00+08:00' })
    expect(spanOf({ period: 'own', from: '', to: '2023-06-02T18:30' }, now)).toEqual({ from: undefined, to: '2023-06-02T18:30:00+08:00' })
  })
})

it('makes no instant of what is none', () => {
  expect(instant('')).toBeUndefined()
  expect(instant('yesterday')).toBeUndefined()
})

describe('narrow', () => {
  it('sends nothing that is not asked', () => expect(narrow(noFilters, now)).toEqual({}))
  it('sends what is asked, without the spaces around words', () =>
    expect(narrow({ ...noFilters, account: ' zhang ', action: 'identity.', result: 'denied', personal: 'yes', text: ' 水量', from: '2020-01-01T00:00' }, now)).toEqual({
      account: 'zhang', action: 'identity.', result: 'denied', personal: 'yes', text: '水量',
    }))
})
