/** Colours told apart in every kind of colour vision, each at least 3 to 1 on white; they stand in the style of FigureChart. */
export const hues = 6
/** Most slices of a pie: the others are put together. */
const mostSlices = 6

/** One bar, point or slice. */
export interface Piece {
  title: string
  value: number
}

/** The slices of a pie as arcs of a circle of radius 1, the smallest put together under rest. */
export function slices(pieces: Piece[], rest: string): { title: string; value: number; share: number; d: string }[] {
  const all = pieces.filter((one) => one.value > 0).sort((a, b) => b.value - a.value)
  const shown = all.length > mostSlices ? [...all.slice(0, mostSlices - 1), { title: rest, value: all.slice(mostSlices - 1).reduce((sum, one) => sum + one.value, 0) }] : all
  const whole = shown.reduce((sum, one) => sum + one.value, 0)
  let from = 0
  return shown.map((one) => {
    const share = one.value / whole
    const at = (turn: number) => `${Math.sin(turn * 2 * Math.PI).toFixed(4)} ${(-Math.cos(turn * 2 * Math.PI)).toFixed(4)}`
    const d = share > 0.9999 ? 'M0 -1A1 1 0 1 1 0 1A1 1 0 1 1 0 -1Z' : `M0 0L${at(from)}A1 1 0 ${share > 0.5 ? 1 : 0} 1 ${at(from + share)}Z`
    from += share
    return { ...one, share, d }
  })
}

/** Where the tops of columns or the points of a line stand in a box of width w and height h. */
export function points(pieces: Piece[], w: number, h: number): { x: number; y: number; wide: number }[] {
  const top = Math.max(1e-9, ...pieces.map((one) => one.value))
  const step = w / Math.max(1, pieces.length)
  return pieces.map((one, i) => ({ x: step * (i + 0.5), y: h - (Math.max(0, one.value) / top) * h, wide: Math.min(step * 0.6, 48) }))
}
