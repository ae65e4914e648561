import { around, bottomOf, rightOf, type Rect } from './geometry'
import { enlist, family, freeId, moveBy, nodeOf, reroute, shapeOf, shift, slide, type Lane, type Process } from './model'

// Lanes are bands one below the other. What stands in one moves only as far as the bands must make room.
const head = 50 // from the left edge of a band to the first node
const rim = 20 // above and below what is in it

const banded = (p: Process): Lane[] => (p.lanes ?? []).filter((l) => shapeOf(p, l.id)).sort((a, b) => shapeOf(p, a.id)!.y - shapeOf(p, b.id)!.y)
const inLane = (p: Process, lane: string) => p.nodes.filter((n) => n.lane === lane && !n.in)

/** A band below everything; nothing that is drawn moves. */
export function addLane(p: Process, name: string): { p: Process; id: string } {
  const id = freeId(p, 'lane')
  const bands = banded(p).map((l) => shapeOf(p, l.id)!)
  const all = around(Object.values(p.shapes ?? {})) ?? { x: 40, y: 40, w: 600, h: 0 }
  const last = around(bands)
  const low = bottomOf(all)
  const y = last && bottomOf(last) >= low ? bottomOf(last) : low + (all.h ? rim : 0)
  const band: Rect = { x: last?.x ?? all.x - head, y, w: last?.w ?? all.w + 2 * head, h: 140 }
  return { p: { ...p, lanes: [...(p.lanes ?? []), { id, name, nodes: [] }], shapes: { ...p.shapes, [id]: band } }, id }
}

/** Puts a node, with the events on its edge, into a lane or into none, and into its band where there is room beside the others. */
export function assign(p: Process, id: string, lane: string): Process {
  const all = p.nodes.filter((n) => n.id === id || n.event?.on === id).map((n) => n.id)
  const next = all.reduce((now, one) => enlist(now, one, lane), p)
  const [own, band] = [shapeOf(next, id), shapeOf(next, lane)]
  if (!own || !band) return next
  let y = band.y + Math.max(rim, (band.h - own.h) / 2)
  const others = inLane(next, lane).filter((n) => !all.includes(n.id)).flatMap((n) => shapeOf(next, n.id) ?? [])
  const hits = (at: number) => others.some((r) => r.x < rightOf(own) + 10 && rightOf(r) > own.x - 10 && r.y < at + own.h + 10 && bottomOf(r) > at - 10)
  for (let i = 0; i < 60 && hits(y); i++) y += 20
  return settle(moveBy(next, id, 0, Math.round(y - own.y)))
}

/** After a node was moved: it is in the lane in whose band it stands, and the bands hold what is in them. */
export function rehome(p: Process, id: string): Process {
  const n = nodeOf(p, id)
  const own = shapeOf(p, id)
  if (!n || !own || n.in || n.event?.on || !banded(p).length) return p
  const [x, y] = [own.x + own.w / 2, own.y + own.h / 2]
  const here = banded(p).find((l) => {
    const r = shapeOf(p, l.id)!
    return x >= r.x - head && x <= rightOf(r) + 4 * head && y >= r.y && y < bottomOf(r)
  })
  if ((here?.id ?? '') === (n.lane ?? '')) return settle(p)
  return settle(p.nodes.filter((one) => one.id === id || one.event?.on === id).reduce((now, one) => enlist(now, one.id, here?.id ?? ''), p))
}

/** Moves nodes and bands down together; lines between what moves and what stays are drawn anew. */
function lower(p: Process, ids: Set<string>, bands: string[], by: number): Process {
  const shapes = { ...p.shapes }
  for (const id of [...ids, ...bands]) if (shapes[id]) shapes[id] = shift(shapes[id], 0, by)
  const edges = { ...p.edges }
  const torn: string[] = []
  for (const f of p.flows) {
    const [from, to] = [ids.has(f.from), ids.has(f.to)]
    if (from && to) edges[f.id] = slide(edges[f.id] ?? [], 0, by)
    else if (from || to) torn.push(f.id)
  }
  return reroute({ ...p, shapes, edges }, torn)
}

/** Makes every band large enough for what is in it; the bands below make room. */
export function settle(p: Process): Process {
  let next = p
  const order = banded(p).map((l) => l.id)
  const grow = (id: string, change: Partial<Rect>) => (next = { ...next, shapes: { ...next.shapes, [id]: { ...shapeOf(next, id)!, ...change } } })
  const moving = (lanes: string[], below: number) => {
    const ids = new Set<string>()
    for (const n of next.nodes) {
      const at = shapeOf(next, n.id)
      if (!n.in && at && (n.lane ? lanes.includes(n.lane) : at.y >= below)) for (const one of family(next, n.id)) ids.add(one)
    }
    return ids
  }
  order.forEach((id, i) => {
    const hold = around(inLane(next, id).flatMap((n) => shapeOf(next, n.id) ?? []))
    if (!hold) return
    const own = shapeOf(next, id)!
    const up = Math.max(0, own.y + rim - hold.y)
    if (up) {
      next = lower(next, moving(order.slice(i), bottomOf(own)), order.slice(i + 1), up)
      grow(id, { h: own.h + up })
    }
    const down = Math.max(0, bottomOf(hold) + up + rim - bottomOf(shapeOf(next, id)!))
    if (down) {
      next = lower(next, moving(order.slice(i + 1), bottomOf(shapeOf(next, id)!)), order.slice(i + 1), down)
      grow(id, { h: shapeOf(next, id)!.h + down })
    }
  })
  const all = around(order.flatMap((id) => inLane(next, id).flatMap((n) => shapeOf(next, n.id) ?? [])))
  const bands = around(order.map((id) => shapeOf(next, id)!))
  if (all && bands) {
    const x = Math.min(bands.x, all.x - head)
    const w = Math.max(rightOf(bands), rightOf(all) + head) - x
    for (const id of order) grow(id, { x, w })
  }
  return next
}
