import { describe, expect, it } from 'vitest'
import { blank, minutes, percent, weigh, type Form } from './model'

describe('burden', () => {
  const usual = { number: 60, unit: 10, text: 60 }
  const form = (fields: object[], more: object = {}): Form => ({ title: '', period: 'monthly', level: 'community', ...more, fields: fields.map((field, at) => ({ ...blank(Array.from({ length: at }, (_, i) => ({ key: `f${i + 1}` }))), ...field })) }) as Form

  it('takes off what is filled in, shared or struck', () => {
    expect(weigh(form([{ kind: 'unit' }, { kind: 'number' }, { kind: 'number', decide: 'prefill' }, { kind: 'text', decide: 'share', other: 'r1' }, { kind: 'text', decide: 'share' }, { final: 'struck' }]), usual)).toEqual({ asked: 310, left: 120 })
  })
  it('counts the rows of a list, and the seconds somebody set', () => {
    expect(weigh(form([{ seconds: 30 }], { list: true, expected: 20 }), usual)).toEqual({ asked: 600, left: 600 })
    expect(weigh(form([{ seconds: 30 }], { list: true, expected: 0 }), usual).asked).toBe(30)
  })
  it('gives a new field a key of its own', () => {
    expect(blank([{ key: 'f1' }, { key: 'f3' }]).key).toBe('f4')
    expect(blank([{ key: 'f2' }]).key).toBe('f3')
  })
  it('says little as one minute, and nothing as nothing', () => {
    expect([minutes(0), minutes(10), minutes(90), minutes(150)]).toEqual([0, 1, 2, 3])
    expect(percent(1, 0)).toBe(0)
  })
})
