import { describe, expect, it } from 'vitest'
import { linesOf } from './model'
import { broken, option, reach, type Drawing } from './option'

const point = (minute: number, value: number) => ({ at: new Date(Date.UTC(2023, 5, 1, 1, minute)).toISOString(), n: 1, mean: value, least: value, most: value, last: value, p95: value })
const drawing: Drawing = {
  points: [point(0, 3), point(1, 4), point(9, 28)], step: 0, from: '2023-06-01T01:00:00Z', until: '2023-06-01T02:00:00Z', measure: 'cm', decimals: 1, cadence: 60,
  lines: [{ level: 'red', value: 40, name: 'red' }, { level: 'orange', value: 27, name: 'orange' }, { level: 'blue', value: 5, name: 'blue' }],
}

describe('a chart of a signal', () => {
  it('breaks where samples are missing', () => {
    expect(broken(drawing.points, 180_000).map(([, mean]) => mean)).toEqual([3, 4, null, 28])
    expect(broken([], 1)).toEqual([])
  })
  it('reaches the data and the next line, not one far above', () => {
    const { min, max } = reach(drawing)
    expect(min).toBeLessThan(3)
    expect(max).toBeGreaterThan(40)
    expect(max).toBeLessThan(50)
    expect(reach({ ...drawing, points: [point(0, 1)] }).max).toBeLessThan(6)
    expect(reach({ ...drawing, points: [] }).max).toBe(40)
    const flat = reach({ ...drawing, points: [point(0, 0)], lines: [] })
    expect(flat.max).toBeGreaterThan(flat.min)
  })
  it('draws every line in its colour', () => {
    const colours = { red: '#1', orange: '#2', yellow: '#3', blue: '#4' }
    const drawn = option(drawing, { size: 12, text: '', weak: '', line: '', brand: '#0', level: colours, mean: 'mean', range: 'most', clock: String }) as { series: { markLine?: { data: { yAxis: number; lineStyle: { color: string } }[] } }[] }
    expect(drawn.series).toHaveLength(1)
    expect(drawn.series[0]!.markLine!.data.map((line) => [line.yAxis, line.lineStyle.color])).toEqual([[40, '#1'], [27, '#2'], [5, '#4']])
  })
  it('lists the lines of a rule, grave to mild', () => {
    expect(linesOf({ above: { blue: 5, red: 40 }, below: { yellow: 1 } }).map((line) => `${line.up ? '+' : '-'}${line.level}`)).toEqual(['+red', '+blue', '-yellow'])
  })
})
