import { describe, expect, it } from 'vitest'
import { asBuild, opsOf, type Form } from './build/form'
import { drawn, onRight, option, slices } from './chart/option'
import { paramsIn, shown, suggest, type Answer, type Head } from './model'
import { pieces } from '@/base/sql'

const head = (name: string, kind: Head['kind']): Head => ({ name, title: name, kind })
const answer = (columns: Head[], rows: string[][]) => ({ columns, rows }) as unknown as Answer

describe('texts', () => {
  it('finds parameters outside of quotes and comments, each once', () => {
    expect(paramsIn(`SELECT $a, '$b', "$c" -- $d\n/* $e */ FROM t WHERE x = $a AND y = $f_1`)).toEqual(['a', 'f_1'])
  })
  it('loses nothing when it colours', () => {
    const sql = `SELECT "a", 'it''s' -- note\nFROM t WHERE n >= 12.5 AND x = $p /* open`
    expect(pieces(sql).map((p) => p.text).join('')).toBe(sql)
    expect(pieces(sql).filter((p) => p.kind === 'word').map((p) => p.text)).toEqual(['SELECT', 'FROM', 'WHERE', 'AND'])
  })
  it('shows decimals without the zeros of their scale', () => {
    expect(['1.500000', '2.000000', '3.25', '4', '0.000100'].map((v) => shown(v, 'decimal'))).toEqual(['1.50', '2', '3.25', '4', '0.0001'])
    expect(shown('10', 'text')).toBe('10')
  })
})

describe('charts', () => {
  const byStreet = answer([head('street', 'text'), head('n', 'integer'), head('money', 'decimal')], [['a', '3', '90000.5'], ['b', '', '1']])
  it('are suggested by what an answer holds', () => {
    expect(suggest(byStreet.columns, 2)).toEqual({ kind: 'bar', x: 1, series: [2, 3] })
    expect(suggest([head('month', 'date'), head('n', 'integer')], 12).kind).toBe('line')
    expect(suggest([head('n', 'integer')], 1)).toEqual({ kind: 'number', series: [1] })
    expect(suggest([head('a', 'text')], 3).kind).toBe('table')
  })
  it('draw what was chosen, with gaps for what is empty, and small series on an axis of their own', () => {
    const from = drawn(byStreet, { kind: 'bar', x: 1, series: [2, 3, 9] })
    expect(from).toEqual({ x: ['a', 'b'], series: [{ name: 'n', values: [3, null] }, { name: 'money', values: [90000.5, 1] }], cut: false })
    expect(onRight(from)).toEqual([true, false])
    const look = { size: 12, text: '#000', weak: '#333', line: '#ccc', decal: false, rest: 'rest', right: (name: string) => `${name}>`, narrow: false }
    const told = option(from, { kind: 'bar' }, look) as { series: { name: string; yAxisIndex: number }[] }
    expect(told.series.map((one) => [one.name, one.yAxisIndex])).toEqual([['n>', 1], ['money', 0]])
  })
  it('put small slices together', () => {
    const rows = Array.from({ length: 12 }, (_, at) => [`s${at}`, String(12 - at)])
    const all = slices(drawn(answer([head('s', 'text'), head('n', 'integer')], rows), { kind: 'pie', x: 1, series: [2] }), 'rest')
    expect(all).toHaveLength(8)
    expect(all[7]).toEqual({ name: 'rest', value: 5 + 4 + 3 + 2 + 1 })
  })
})

describe('the form', () => {
  const form: Form = { dataset: 'd', version: 3, mode: 'group', where: [{ column: 'a', op: 'in', value: 'x, y\uFF0Cz' }, { column: 'b', op: 'eq', value: ' ' }, { column: 'c', op: 'isnull', value: '' }], columns: ['a'], group: [{ column: 'a', by: '' }], measures: [{ agg: 'count', column: '' }], sortBy: 2, desc: true, limit: 10 }
  it('leaves out what is half filled in, and what belongs to the other mode', () => {
    expect(asBuild(form)).toEqual({ dataset: 'd', version: 3, where: [{ column: 'a', op: 'in', values: ['x', 'y', 'z'] }, { column: 'c', op: 'isnull', values: [] }], columns: [], group: [{ column: 'a', by: '' }], measures: [{ agg: 'count', column: '' }], sort: [{ by: 2, desc: true }], limit: 10 })
    expect(asBuild({ ...form, mode: 'list', sortBy: 0 })).toMatchObject({ columns: ['a'], group: [], measures: [], sort: [] })
  })
  it('compares by the kind of a column', () => {
    expect(opsOf('text')).toContain('contains')
    expect(opsOf('date')).not.toContain('contains')
    expect(opsOf('boolean')).toEqual(['eq', 'isnull'])
  })
})
