import type { components } from '@/api.gen'

export type Rect = components['schemas']['BpmnRect']
export type Point = components['schemas']['BpmnPoint']

export const rightOf = (r: Rect) => r.x + r.w
export const bottomOf = (r: Rect) => r.y + r.h

/** The smallest rectangle around some. */
export function around(all: Rect[]): Rect | undefined {
  if (!all.length) return undefined
  const [x, y] = [Math.min(...all.map((r) => r.x)), Math.min(...all.map((r) => r.y))]
  return { x, y, w: Math.max(...all.map(rightOf)) - x, h: Math.max(...all.map(bottomOf)) - y }
}
export const covers = (out: Rect, inner: Rect) => out.x <= inner.x && out.y <= inner.y && rightOf(out) >= rightOf(inner) && bottomOf(out) >= bottomOf(inner)

/** Whether a line of right angles runs through a shape. */
function through(line: Point[], r: Rect): boolean {
  return line.slice(1).some((to, i) => {
    const from = line[i]!
    return Math.max(from.x, to.x) > r.x && Math.min(from.x, to.x) < rightOf(r) && Math.max(from.y, to.y) > r.y && Math.min(from.y, to.y) < bottomOf(r)
  })
}

/** A line from shape to shape: straight or in right angles; below the others where they are in its way. */
export function route(a: Rect, b: Rect, fromBelow: boolean, others: Rect[] = []): Point[] {
  const clear = (line: Point[]) => !others.some((r) => through(line, r))
  const [ax, ay, bx, by] = [a.x + a.w / 2, a.y + a.h / 2, b.x + b.w / 2, b.y + b.h / 2]
  const ways: Point[][] = []
  if (!fromBelow && b.x >= rightOf(a) + 10) {
    const half = (rightOf(a) + b.x) / 2
    ways.push(Math.abs(ay - by) < 1 ? [{ x: rightOf(a), y: ay }, { x: b.x, y: ay }] : [{ x: rightOf(a), y: ay }, { x: half, y: ay }, { x: half, y: by }, { x: b.x, y: by }])
  }
  if (b.y > bottomOf(a) && b.x >= ax + 10) ways.push([{ x: ax, y: bottomOf(a) }, { x: ax, y: by }, { x: b.x, y: by }])
  if (b.y >= bottomOf(a) + 10) {
    const half = (bottomOf(a) + b.y) / 2
    ways.push(Math.abs(ax - bx) < 1 ? [{ x: ax, y: bottomOf(a) }, { x: bx, y: b.y }] : [{ x: ax, y: bottomOf(a) }, { x: ax, y: half }, { x: bx, y: half }, { x: bx, y: b.y }])
  }
  if (!fromBelow && bottomOf(b) <= a.y - 10) {
    const half = (bottomOf(b) + a.y) / 2
    ways.push(Math.abs(ax - bx) < 1 ? [{ x: ax, y: a.y }, { x: bx, y: bottomOf(b) }] : [{ x: ax, y: a.y }, { x: ax, y: half }, { x: bx, y: half }, { x: bx, y: bottomOf(b) }])
  }
  const free = ways.find(clear)
  if (free) return free
  // Below everything between the two.
  const [left, right] = [Math.min(ax, bx), Math.max(ax, bx)]
  const low = Math.max(bottomOf(a), bottomOf(b), ...others.filter((r) => r.x < right && rightOf(r) > left).map(bottomOf)) + 24
  return [{ x: ax, y: bottomOf(a) }, { x: ax, y: low }, { x: bx, y: low }, { x: bx, y: bottomOf(b) }]
}
