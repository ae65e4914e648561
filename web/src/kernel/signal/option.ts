import type { Level, Point } from './model'

/** What a chart of a signal is drawn of. */
export interface Drawing {
  points: Point[]
  step: number // seconds of a point, 0 where each is one sample
  from: string
  until: string
  lines: { level: Level; value: number; name: string }[]
  measure: string
  decimals: number
  cadence: number // seconds between two samples
}

/** Colours and sizes of the theme. */
export interface Look {
  size: number
  text: string
  weak: string
  line: string
  level: Record<Level, string>
  brand: string
  mean: string
  range: string
  clock: (at: number, days: boolean) => string
}

/** Where samples are missing the line is broken: it would claim what nobody measured. */
export function broken(points: Point[], gap: number): [number, number | null, number | null, number | null][] {
  const out: [number, number | null, number | null, number | null][] = []
  let last = 0
  for (const point of points) {
    const at = Date.parse(point.at ?? '')
    if (last && at - last > gap) out.push([last + 1, null, null, null])
    out.push([at, point.mean, point.least, point.most])
    last = at
  }
  return out
}

/** The lowest and highest value the axis must reach: the data, and the nearest line that is not crossed. */
export function reach(drawing: Drawing): { min: number; max: number } {
  const values = drawing.points.flatMap((point) => [point.least, point.most])
  if (!values.length) return { min: 0, max: Math.max(1, ...drawing.lines.map((line) => line.value)) }
  let [min, max] = [Math.min(...values), Math.max(...values)]
  for (const line of drawing.lines) if (line.value <= max) min = Math.min(min, line.value)
  const above = drawing.lines.map((line) => line.value).filter((value) => value > max)
  if (above.length) max = Math.min(...above)
  const below = drawing.lines.map((line) => line.value).filter((value) => value >= min)
  if (below.length) max = Math.max(max, Math.min(...below))
  const air = (max - min || Math.abs(max) || 1) * 0.08
  return { min: min - air, max: max + air }
}

/** What ECharts is told. */
export function option(drawing: Drawing, look: Look): Record<string, unknown> {
  const gap = Math.max(3 * drawing.cadence, 2 * drawing.step) * 1000
  const data = broken(drawing.points, gap)
  const days = Date.parse(drawing.until) - Date.parse(drawing.from) > 2 * 86_400_000
  const { min, max } = reach(drawing)
  const label = { color: look.weak, fontSize: look.size }
  const number = (value: number) => value.toFixed(drawing.decimals)
  const ranged = drawing.step > 0
  return {
    animation: false,
    aria: { enabled: true },
    textStyle: { fontFamily: 'inherit', color: look.text, fontSize: look.size },
    tooltip: { trigger: 'axis', renderMode: 'richText', confine: true, valueFormatter: (value: number | null) => (value === null || value === undefined ? '–' : `${number(value)} ${drawing.measure}`) },
    legend: ranged ? { top: 0, textStyle: label } : undefined,
    grid: { left: 8, right: 16, top: ranged ? 48 : 32, bottom: 8, containLabel: true },
    xAxis: { type: 'time', min: Date.parse(drawing.from), max: Date.parse(drawing.until), axisLabel: { ...label, hideOverlap: true, formatter: (at: number) => look.clock(at, days) }, axisLine: { lineStyle: { color: look.line } } },
    yAxis: { type: 'value', min, max, name: drawing.measure, nameTextStyle: label, axisLabel: { ...label, formatter: (value: number) => number(value), showMinLabel: false, showMaxLabel: false }, splitLine: { lineStyle: { color: look.line } } },
    series: [
      {
        type: 'line', name: look.mean, showSymbol: data.length < 60, symbolSize: 5, lineStyle: { width: 2 }, itemStyle: { color: look.brand }, data: data.map(([at, mean]) => [at, mean]),
        markLine: { symbol: 'none', silent: true, label: { position: 'insideStartTop', fontSize: look.size, formatter: '{b}' }, data: drawing.lines.map((line) => ({ yAxis: line.value, name: line.name, lineStyle: { color: look.level[line.level], type: 'dashed', width: 1.5 }, label: { color: look.level[line.level] } })) },
      },
      ...(ranged ? [{ type: 'line', name: look.range, showSymbol: false, lineStyle: { width: 1, type: 'dotted' }, itemStyle: { color: look.weak }, data: data.map(([at, , , most]) => [at, most]) }] : []),
    ],
  }
}
