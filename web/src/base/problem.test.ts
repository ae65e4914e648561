import { describe, expect, it } from 'vitest'
import { asProblem, Problem, problemOf } from './problem'

describe('problemOf', () => {
  it('takes words, trace and reasons from an RFC 9457 body', () => {
    const p = problemOf(422, { title: 'Unprocessable', detail: 'words', trace: 't1', errors: [{ location: 'body.account', message: 'taken' }] })
    expect([p.status, p.message, p.trace, p.reason('account'), p.reason('name')]).toEqual([422, 'words', 't1', 'taken', ''])
  })
  it('keeps places inside arrays and rows of files', () => {
    const p = problemOf(422, { errors: [{ location: 'body.admins[1].name', message: 'a' }, { name: 'phone', row: 17, message: 'b' }] })
    expect(p.reasons).toEqual([{ name: 'admins[1].name', row: undefined, message: 'a' }, { name: 'phone', row: 17, message: 'b' }])
  })
  it('falls back to the header for the trace when a proxy answered', () => {
    const p = problemOf(502, null, 'from-header')
    expect([p.message, p.trace, p.offline]).toEqual(['', 'from-header', false])
  })
})

describe('asProblem', () => {
  it('leaves a Problem as it is', () => {
    const p = new Problem(409, 'x')
    expect(asProblem(p)).toBe(p)
  })
  it('makes a failed fetch an offline problem without words', () => {
    const p = asProblem(new TypeError('Failed to fetch'))
    expect([p.offline, p.message]).toEqual([true, ''])
  })
})
