import type { Answer, Chart } from '../model'

/** Six colours told apart in every kind of colour vision, each at least 3 to 1 on white. */
export const palette = ['#1759C0', '#F9591F', '#45212F', '#B4649A', '#170D59', '#7C2303']

/** Most bars or points that are drawn; the table has them all. */
export const mostPoints = 500
/** Most slices of a pie: the others are put together. */
const mostSlices = 8

/** One line, bar or slice series with the words along the axis. */
export interface Drawn {
  x: string[]
  series: { name: string; values: (number | null)[] }[]
  cut: boolean
}

/** The part of an answer a chart draws. */
export function drawn(answer: Answer, chart: Chart): Drawn {
  const rows = answer.rows.slice(0, mostPoints).map((row) => row ?? [])
  const x = rows.map((row, at) => (chart.x ? row[chart.x - 1] || '–' : String(at + 1)))
  const series = (chart.series ?? [])
    .filter((at) => answer.columns[at - 1])
    .map((at) => ({ name: answer.columns[at - 1]!.title, values: rows.map((row) => (row[at - 1] ? Number(row[at - 1]) : null)) }))
  return { x, series, cut: answer.rows.length > mostPoints }
}

/** The slices of a pie, largest first, small ones put together as rest. */
export function slices(from: Drawn, rest: string): { name: string; value: number }[] {
  const values = from.series[0]?.values ?? []
  const all = from.x.map((name, at) => ({ name, value: values[at] ?? 0 })).filter((one) => one.value > 0).sort((a, b) => b.value - a.value)
  if (all.length <= mostSlices) return all
  return [...all.slice(0, mostSlices - 1), { name: rest, value: all.slice(mostSlices - 1).reduce((sum, one) => sum + one.value, 0) }]
}

/** How many times smaller a series must be to get an axis of its own: beside the largest it would not be seen. */
const apart = 20

/** Which series stand on the right axis: those too small to be seen on that of the largest. */
export function onRight(from: Drawn): boolean[] {
  const tops = from.series.map((one) => Math.max(0, ...one.values.map((v) => Math.abs(v ?? 0))))
  const top = Math.max(0, ...tops)
  return tops.map((one) => one > 0 && one * apart < top)
}

/** What ECharts is told. */
export function option(from: Drawn, chart: Chart, look: { size: number; text: string; weak: string; line: string; decal: boolean; rest: string; right: (name: string) => string; narrow: boolean }): Record<string, unknown> {
  const label = { color: look.weak, fontSize: look.size }
  const base = {
    color: palette,
    animation: false,
    aria: { enabled: true, decal: { show: look.decal } },
    textStyle: { fontFamily: 'inherit', color: look.text, fontSize: look.size },
    tooltip: { trigger: chart.kind === 'pie' ? 'item' : 'axis', renderMode: 'richText', confine: true },
  }
  const legend = { top: 0, textStyle: label }
  if (chart.kind === 'pie') {
    return { ...base, series: [{ type: 'pie', radius: look.narrow ? '52%' : '68%', data: slices(from, look.rest), label: { formatter: look.narrow ? '{b}\n{d}%' : '{b} {c} ({d}%)', color: look.text, fontSize: look.size } }] }
  }
  const right = chart.stack ? from.series.map(() => false) : onRight(from)
  const named = from.series.map((one, at) => (right[at] ? look.right(one.name) : one.name))
  return {
    ...base,
    legend: from.series.length > 1 ? legend : undefined,
    grid: { left: 8, right: 16, top: from.series.length > 1 ? 36 : 16, bottom: 8, containLabel: true },
    xAxis: { type: 'category', data: from.x, axisLabel: { ...label, interval: from.x.length > 24 ? 'auto' : 0, rotate: from.x.length > 8 || look.narrow ? 35 : 0, overflow: 'truncate', width: 110 }, axisLine: { lineStyle: { color: look.line } }, axisTick: { show: false } },
    yAxis: [{ type: 'value', axisLabel: label, splitLine: { lineStyle: { color: look.line } } }, { type: 'value', axisLabel: label, splitLine: { show: false }, show: right.includes(true) }],
    series: from.series.map((one, at) => ({ type: chart.kind, name: named[at], yAxisIndex: right[at] ? 1 : 0, data: one.values, stack: chart.stack ? 'all' : undefined, barMaxWidth: 40, showSymbol: from.x.length < 40 })),
  }
}
