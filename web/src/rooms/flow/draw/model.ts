import type { components } from '@/api.gen'
import { around, bottomOf, covers, rightOf, route, type Point, type Rect } from './geometry'

type Schemas = components['schemas']
export type Process = Schemas['BpmnProcess']
export type Node = Schemas['BpmnNode']
export type Flow = Schemas['BpmnFlow']
export type Lane = Schemas['BpmnLane']
export type Task = Schemas['BpmnTask']
export type Who = Schemas['BpmnWho']
export type Limit = Schemas['BpmnLimit']
export type Outcome = Schemas['BpmnAction']
export type Escalation = Schemas['BpmnEscalation']
export type Finding = Schemas['FlowFound']
/** A field of the form a case is filled in by. */
export type FormField = Schemas['FlowFormField']

/** What the palette offers. A boundary event sits on the activity that is selected. */
export const kinds = ['userTask', 'serviceTask', 'callActivity', 'subProcess', 'exclusiveGateway', 'parallelGateway', 'inclusiveGateway', 'startEvent', 'endEvent', 'timer', 'message'] as const
export type Offer = (typeof kinds)[number]

export const isActivity = (kind: string) => ['userTask', 'serviceTask', 'callActivity', 'subProcess'].includes(kind)
export const isGateway = (kind: string) => kind.endsWith('Gateway')
export const isEvent = (kind: string) => kind.endsWith('Event')

/** The kind under which an element goes in words; a file may hold kinds that do not run. */
export const kindWord = (kind: string) => (kind in prefixes ? kind : 'other')

/** Ids are read by people, in findings and in the file: task_3 says more than a random word. */
const prefixes: Record<string, string> = {
  userTask: 'task', serviceTask: 'service', callActivity: 'call', subProcess: 'sub', exclusiveGateway: 'choice', parallelGateway: 'fork', inclusiveGateway: 'some',
  startEvent: 'start', endEvent: 'end', boundaryEvent: 'event',
}
const sizes: Record<string, [number, number]> = { subProcess: [360, 160] }
export function sizeOf(kind: string): [number, number] {
  return sizes[kind] ?? (isEvent(kind) ? [36, 36] : isGateway(kind) ? [50, 50] : [100, 80])
}
const gap = 60 // between shapes put beside each other

export const nodeOf = (p: Process, id: string | undefined): Node | undefined => (id ? p.nodes.find((n) => n.id === id) : undefined)
export const flowOf = (p: Process, id: string | undefined): Flow | undefined => (id ? p.flows.find((f) => f.id === id) : undefined)
export const laneOf = (p: Process, id: string | undefined): Lane | undefined => (id ? p.lanes?.find((l) => l.id === id) : undefined)
/** The name an element goes by; without one its id. */
export const label = (one: { id: string; name: string } | undefined) => one?.name || one?.id || ''
export const shapeOf = (p: Process, id: string): Rect | undefined => p.shapes?.[id]

/** The first id "prefix_1", "prefix_2", … that nothing in the drawing has. */
export function freeId(p: Process, prefix: string): string {
  const taken = new Set([p.id, ...p.nodes.map((n) => n.id), ...p.flows.map((f) => f.id), ...(p.lanes ?? []).map((l) => l.id)])
  let n = 1
  while (taken.has(`${prefix}_${n}`)) n++
  return `${prefix}_${n}`
}

export const setNode = (p: Process, id: string, change: Partial<Node>): Process => ({ ...p, nodes: p.nodes.map((n) => (n.id === id ? { ...n, ...change } : n)) })
export const setFlow = (p: Process, id: string, change: Partial<Flow>): Process => ({ ...p, flows: p.flows.map((f) => (f.id === id ? { ...f, ...change } : f)) })
export const setLane = (p: Process, id: string, change: Partial<Lane>): Process => ({ ...p, lanes: (p.lanes ?? []).map((l) => (l.id === id ? { ...l, ...change } : l)) })

/** A node with all that goes where it goes: what is inside it, and the events on its edge. */
export function family(p: Process, id: string): Set<string> {
  const all = new Set([id])
  for (let before = 0; before !== all.size; ) {
    before = all.size
    for (const n of p.nodes) if ((n.in && all.has(n.in)) || (n.event?.on && all.has(n.event.on))) all.add(n.id)
  }
  return all
}

export const shift = (r: Rect, dx: number, dy: number): Rect => ({ ...r, x: r.x + dx, y: r.y + dy })
export const slide = (points: Point[], dx: number, dy: number): Point[] => points.map((at) => ({ x: at.x + dx, y: at.y + dy }))

/** What a new line of a flow must not run through: the other shapes of its scope. */
function obstacles(p: Process, f: Flow): Rect[] {
  const scope = nodeOf(p, f.from)?.in ?? ''
  return p.nodes.filter((n) => (n.in ?? '') === scope && n.kind !== 'boundaryEvent' && ![f.from, f.to, nodeOf(p, f.from)?.event?.on].includes(n.id)).flatMap((n) => shapeOf(p, n.id) ?? [])
}

/** Draws the lines of some flows anew. */
export function reroute(p: Process, ids: Iterable<string>): Process {
  const edges = { ...p.edges }
  for (const id of ids) {
    const f = flowOf(p, id)
    const [a, b] = [f && shapeOf(p, f.from), f && shapeOf(p, f.to)]
    if (f && a && b) edges[id] = route(a, b, nodeOf(p, f.from)?.kind === 'boundaryEvent', obstacles(p, f))
  }
  return { ...p, edges }
}

/** Moves a node with its family. A boundary event only slides along the lower edge of what it sits on. */
export function moveBy(p: Process, id: string, dx: number, dy: number): Process {
  const n = nodeOf(p, id)
  const own = shapeOf(p, id)
  if (!n || !own || (!dx && !dy)) return p
  const host = n.event?.on ? shapeOf(p, n.event.on) : undefined
  if (host) {
    const x = Math.min(Math.max(own.x + dx, host.x - own.w / 2), rightOf(host) - own.w / 2)
    ;[dx, dy] = [x - own.x, bottomOf(host) - own.h / 2 - own.y]
    if (!dx && !dy) return p
  }
  const all = family(p, id)
  const shapes = { ...p.shapes }
  for (const one of all) if (shapes[one]) shapes[one] = shift(shapes[one], dx, dy)
  const edges = { ...p.edges }
  const torn: string[] = []
  for (const f of p.flows) {
    const [from, to] = [all.has(f.from), all.has(f.to)]
    if (from && to) edges[f.id] = slide(edges[f.id] ?? [], dx, dy)
    else if (from || to) torn.push(f.id)
  }
  return fit(reroute({ ...p, shapes, edges }, torn), n.in)
}

/** Makes a sub-process large enough for what is in it, and those around it. */
function fit(p: Process, id: string | undefined): Process {
  const own = id ? shapeOf(p, id) : undefined
  if (!id || !own) return p
  const inside = around(p.nodes.filter((n) => n.in === id).flatMap((n) => shapeOf(p, n.id) ?? []))
  if (!inside) return p
  const x = Math.min(own.x, inside.x - 20)
  const y = Math.min(own.y, inside.y - 40)
  const next = { x, y, w: Math.max(rightOf(own), rightOf(inside) + 20) - x, h: Math.max(bottomOf(own), bottomOf(inside) + 20) - y }
  if (covers(own, next)) return p
  const grown = reroute({ ...p, shapes: { ...p.shapes, [id]: next } }, p.flows.filter((f) => f.from === id || f.to === id).map((f) => f.id))
  return fit(grown, nodeOf(p, id)?.in)
}

/** Opens a gap: all of a scope from the cut on moves right (x) or down (y); lines are drawn out, so that they keep their corners. */
export function open(p: Process, scope: string, cut: number, by: number, axis: 'x' | 'y' = 'x'): Process {
  const [dx, dy] = axis === 'x' ? [by, 0] : [0, by]
  const moving = new Set<string>()
  for (const n of p.nodes) {
    const at = shapeOf(p, n.event?.on ?? n.id)
    if ((n.in ?? '') === scope && at && at[axis] >= cut) for (const one of family(p, n.id)) moving.add(one)
  }
  const shapes = { ...p.shapes }
  for (const id of moving) if (shapes[id]) shapes[id] = shift(shapes[id], dx, dy)
  if (!scope && axis === 'x') for (const l of p.lanes ?? []) if (shapes[l.id]) shapes[l.id] = { ...shapes[l.id]!, w: shapes[l.id]!.w + dx }
  const edges = { ...p.edges }
  for (const f of p.flows) {
    const here = (nodeOf(p, f.from)?.in ?? '') === scope
    if (here) edges[f.id] = (edges[f.id] ?? []).map((at) => (at[axis] >= cut ? { x: at.x + dx, y: at.y + dy } : at))
    else if (moving.has(f.from)) edges[f.id] = slide(edges[f.id] ?? [], dx, dy)
  }
  // An event below its activity may stay where its line is drawn out: such a line is drawn anew.
  const torn = p.flows.filter((f) => nodeOf(p, f.from)?.kind === 'boundaryEvent' && !moving.has(f.from) && moving.has(f.to)).map((f) => f.id)
  return fit(reroute({ ...p, shapes, edges }, torn), scope || undefined)
}

/** Why two nodes cannot be joined; empty where they can. */
export function barrier(p: Process, from: string, to: string): '' | 'same' | 'there' | 'into' | 'out' | 'crosses' {
  const [a, b] = [nodeOf(p, from), nodeOf(p, to)]
  if (!a || !b || from === to) return 'same'
  if ((a.in ?? '') !== (b.in ?? '')) return 'crosses'
  if (a.kind === 'endEvent') return 'out'
  if (b.kind === 'startEvent' || b.kind === 'boundaryEvent') return 'into'
  return p.flows.some((f) => f.from === from && f.to === to) ? 'there' : ''
}

/** Joins two nodes; the drawing as it was where that cannot be. */
export function connect(p: Process, from: string, to: string): { p: Process; id: string } {
  if (barrier(p, from, to)) return { p, id: '' }
  const id = freeId(p, 'flow')
  return { p: reroute({ ...p, flows: [...p.flows, { id, name: '', from, to }] }, [id]), id }
}

/** Takes a node, flow or lane out, with what hangs on it. */
export function remove(p: Process, id: string): Process {
  const gone = laneOf(p, id) ? new Set<string>() : family(p, id)
  const flows = p.flows.filter((f) => f.id !== id && !gone.has(f.from) && !gone.has(f.to))
  const left = new Set(flows.map((f) => f.id))
  const nodes = p.nodes.filter((n) => !gone.has(n.id)).map((n) => ({ ...n, lane: n.lane === id ? undefined : n.lane, default: n.default && left.has(n.default) ? n.default : undefined }))
  const lanes = p.lanes?.filter((l) => l.id !== id).map((l) => ({ ...l, nodes: l.nodes?.filter((one) => !gone.has(one)) }))
  const shapes = Object.fromEntries(Object.entries(p.shapes ?? {}).filter(([one]) => one !== id && !gone.has(one)))
  return { ...p, nodes, flows, lanes, shapes, edges: Object.fromEntries(Object.entries(p.edges ?? {}).filter(([one]) => left.has(one))) }
}

/** Names of what is added, in the language of the page. */
export type Names = (kind: Offer) => string

function fresh(p: Process, offer: Offer, names: Names, more: Partial<Node>): Node {
  const kind = offer === 'timer' || offer === 'message' ? 'boundaryEvent' : offer
  const node: Node = { id: freeId(p, prefixes[kind] ?? 'node'), name: isGateway(kind) ? '' : names(offer), kind, ...more }
  if (kind === 'userTask') node.task = { share: 'any' }
  if (kind === 'serviceTask') node.service = {}
  if (offer === 'timer') node.event = { on: more.event?.on, cancels: false, timer: { n: 1, unit: 'work_day' } }
  if (offer === 'message') node.event = { on: more.event?.on, cancels: true, message: 'message' }
  return node
}

/** Both sides say that a node is in a lane, or in none. */
export function enlist(p: Process, id: string, lane: string): Process {
  const lanes = (p.lanes ?? []).map((l) => ({ ...l, nodes: [...(l.nodes ?? []).filter((one) => one !== id), ...(l.id === lane ? [id] : [])] }))
  return { ...setNode(p, id, { lane: lane || undefined }), lanes }
}

const place = (p: Process, node: Node, at: Rect): Process => {
  const next = { ...p, nodes: [...p.nodes, node], shapes: { ...p.shapes, [node.id]: at } }
  return node.lane ? enlist(next, node.id, node.lane) : next
}

/** A sub-process begins with a way through it. */
function fill(p: Process, id: string, names: Names): Process {
  const own = shapeOf(p, id)!
  const middle = own.y + 30 + (own.h - 30) / 2
  let next = p
  let last = ''
  for (const [kind, x] of [['startEvent', 30], ['userTask', 126], ['endEvent', 286]] as const) {
    const [w, h] = sizeOf(kind)
    const node = fresh(next, kind, names, { in: id })
    next = place(next, node, { x: own.x + x, y: middle - h / 2, w, h })
    if (last) next = connect(next, last, node.id).p
    last = node.id
  }
  return next
}

/** Adds what the palette offers: on a selected activity an event, into a selected flow, after a selected node, else below. */
export function add(p: Process, offer: Offer, at: string, names: Names): { p: Process; id: string } {
  const [flow, node] = [flowOf(p, at), nodeOf(p, at)]
  if (offer === 'timer' || offer === 'message') return hang(p, offer, node, names)
  if (flow && offer !== 'startEvent' && offer !== 'endEvent') return insert(p, offer, flow, names)
  const [w, h] = sizeOf(offer)
  const beside = node && shapeOf(p, node.id)
  const all = around(Object.values(p.shapes ?? {})) ?? { x: 40, y: 0, w: 0, h: 0 }
  const made = fresh(p, offer, names, node ? { in: node.in, lane: node.lane } : {})
  let where = beside ? { x: rightOf(beside) + gap, y: beside.y + beside.h / 2 - h / 2, w, h } : { x: all.x, y: bottomOf(all) + 40, w, h }
  const others = p.nodes.filter((n) => (n.in ?? '') === (made.in ?? '')).flatMap((n) => shapeOf(p, n.id) ?? [])
  for (let i = 0; i < 50 && others.some((r) => r.x < rightOf(where) + 10 && rightOf(r) > where.x - 10 && r.y < bottomOf(where) + 10 && bottomOf(r) > where.y - 10); i++) where = shift(where, 0, 40)
  let next = place(p, made, where)
  if (offer === 'subProcess') next = fill(next, made.id, names)
  if (node) next = connect(next, node.id, made.id).p
  return { p: fit(next, made.in), id: made.id }
}

/** A boundary event on the lower edge of an activity, left of those that are there. */
function hang(p: Process, offer: Offer, on: Node | undefined, names: Names): { p: Process; id: string } {
  const host = on && shapeOf(p, on.id)
  if (!on || !host || !isActivity(on.kind)) return { p, id: '' }
  const [w, h] = sizeOf('startEvent')
  const before = p.nodes.filter((n) => n.event?.on === on.id).length
  const made = fresh(p, offer, names, { in: on.in, lane: on.lane, event: { on: on.id } })
  return { p: place(p, made, { x: Math.max(rightOf(host) - 30 - 44 * before, host.x) - w / 2, y: bottomOf(host) - h / 2, w, h }), id: made.id }
}

/** A node in the middle of a flow; what stands behind makes room. The flow keeps its condition and leads to the new node. */
function insert(p: Process, offer: Offer, flow: Flow, names: Names): { p: Process; id: string } {
  const [w, h] = sizeOf(offer)
  const from = nodeOf(p, flow.from)
  const made = fresh(p, offer, names, { in: from?.in, lane: from?.lane })
  const [a, b] = [shapeOf(p, flow.from), shapeOf(p, flow.to)]
  let next = p
  let where: Rect = { x: 40, y: 40, w, h }
  if (a && b) {
    const free = b.x - rightOf(a)
    const missing = w + 2 * gap - free
    if (free > 0 && missing > 0) next = open(p, from?.in ?? '', b.x, missing)
    const line = p.edges?.[flow.id] ?? []
    const middle = line[Math.floor(line.length / 2)] ?? { x: a.x, y: a.y }
    const below = (h - a.h) / 2 // what it reaches down further than the node before it
    if (free > 0 && below > 20) next = open(next, from?.in ?? '', bottomOf(a) + 1, below + 10, 'y')
    where = free > 0 ? { ...where, x: rightOf(a) + Math.max(gap, (free - w) / 2), y: a.y + a.h / 2 - h / 2 } : { ...where, x: middle.x - w / 2, y: middle.y - h / 2 }
  }
  next = place(next, made, where)
  if (offer === 'subProcess') next = fill(next, made.id, names)
  const id = freeId(next, 'flow')
  next = setFlow({ ...next, flows: [...next.flows, { id, name: '', from: made.id, to: flow.to }] }, flow.id, { to: made.id })
  return { p: fit(reroute(next, [flow.id, id]), made.in), id: made.id }
}
