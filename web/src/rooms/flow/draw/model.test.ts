import { describe, expect, it } from 'vitest'
import { route } from './geometry'
import { begin, record, redo, undo } from './history'
import { addLane, assign, rehome, settle } from './lanes'
import { add, barrier, connect, freeId, moveBy, nodeOf, remove, type Offer, type Process } from './model'

const names = (kind: Offer) => `new ${kind}`
/** start → a → b → end, a hundred pixels of task and fifty of gap. */
function line(): Process {
  const p: Process = {
    id: 'x', name: 'x', nodes: [{ id: 'start', name: '', kind: 'startEvent' }, { id: 'a', name: 'A', kind: 'userTask' }, { id: 'b', name: 'B', kind: 'userTask' }, { id: 'end', name: '', kind: 'endEvent' }], flows: [],
    shapes: { start: { x: 0, y: 22, w: 36, h: 36 }, a: { x: 86, y: 0, w: 100, h: 80 }, b: { x: 236, y: 0, w: 100, h: 80 }, end: { x: 386, y: 22, w: 36, h: 36 } }, edges: {},
  }
  return [['start', 'a'], ['a', 'b'], ['b', 'end']].reduce((now, [from, to]) => connect(now, from!, to!).p, p)
}

describe('adding', () => {
  it('names by kind and the first free number', () => {
    expect(freeId({ id: 'x', name: '', nodes: [{ id: 'task_1', name: '', kind: 'userTask' }], flows: [{ id: 'task_2', name: '', from: '', to: '' }] }, 'task')).toBe('task_3')
  })
  it('puts a node into a flow and makes room behind it', () => {
    const { p, id } = add(line(), 'userTask', 'flow_2', names)
    expect(p.flows.find((f) => f.id === 'flow_2')).toMatchObject({ from: 'a', to: id })
    expect(p.flows.some((f) => f.from === id && f.to === 'b')).toBe(true)
    expect(p.shapes![id]).toEqual({ x: 246, y: 0, w: 100, h: 80 })
    expect(p.shapes!.b!.x).toBe(406)
    expect(p.edges!.flow_3).toEqual([{ x: 506, y: 40 }, { x: 556, y: 40 }])
  })
  it('puts a node after the selected one, below what is there already', () => {
    const { p, id } = add(line(), 'exclusiveGateway', 'a', names)
    expect(p.flows.some((f) => f.from === 'a' && f.to === id)).toBe(true)
    expect(p.shapes![id]!.y).toBeGreaterThan(80)
  })
  it('begins a sub-process with a way through it', () => {
    const { p, id } = add(line(), 'subProcess', 'flow_2', names)
    const inside = p.nodes.filter((n) => n.in === id)
    expect(inside.map((n) => n.kind)).toEqual(['startEvent', 'userTask', 'endEvent'])
    expect(p.flows.filter((f) => inside.some((n) => n.id === f.from))).toHaveLength(2)
    expect(barrier(p, inside[1]!.id, 'b')).toBe('crosses')
  })
  it('hangs a timer on an activity only', () => {
    const { p, id } = add(line(), 'timer', 'a', names)
    expect(nodeOf(p, id)).toMatchObject({ kind: 'boundaryEvent', event: { on: 'a', timer: { n: 1 } } })
    expect(add(p, 'timer', 'start', names).id).toBe('')
  })
})

describe('joining', () => {
  it('says why two nodes cannot be joined', () => {
    const p = line()
    expect([barrier(p, 'a', 'a'), barrier(p, 'a', 'b'), barrier(p, 'a', 'start'), barrier(p, 'end', 'a'), barrier(p, 'b', 'a')]).toEqual(['same', 'there', 'into', 'out', ''])
  })
  it('leads back below', () => {
    const { p, id } = connect(line(), 'b', 'a')
    expect(p.edges![id]).toEqual([{ x: 286, y: 80 }, { x: 286, y: 104 }, { x: 136, y: 104 }, { x: 136, y: 80 }])
  })
  it('runs below what is in the way', () => {
    const way = route({ x: 0, y: 0, w: 10, h: 10 }, { x: 100, y: 0, w: 10, h: 10 }, false, [{ x: 50, y: -10, w: 10, h: 40 }])
    expect(way[1]).toEqual({ x: 5, y: 54 })
  })
})

describe('taking out', () => {
  it('takes flows, events, shapes, lines and the default with it', () => {
    const hung = add(line(), 'timer', 'b', names)
    const p = remove({ ...hung.p, nodes: hung.p.nodes.map((n) => (n.id === 'a' ? { ...n, default: 'flow_2' } : n)) }, 'b')
    expect(p.nodes.map((n) => n.id)).toEqual(['start', 'a', 'end'])
    expect(p.flows.map((f) => f.id)).toEqual(['flow_1'])
    expect(Object.keys(p.shapes!)).toEqual(['start', 'a', 'end'])
    expect(Object.keys(p.edges!)).toEqual(['flow_1'])
    expect(nodeOf(p, 'a')!.default).toBeUndefined()
  })
  it('leaves the nodes of a lane that goes', () => {
    const { p, id } = addLane(line(), 'L')
    const filled = assign(p, 'a', id)
    expect(filled.lanes![0]!.nodes).toEqual(['a'])
    const left = remove(filled, id)
    expect([left.lanes, nodeOf(left, 'a')!.lane, left.nodes.length]).toEqual([[], undefined, 4])
  })
})

describe('moving', () => {
  it('draws the lines of the node anew, in right angles', () => {
    const p = moveBy(line(), 'b', 20, 100)
    for (const points of Object.values(p.edges!)) points!.slice(1).forEach((to, i) => expect(to.x === points![i]!.x || to.y === points![i]!.y).toBe(true))
    expect(p.edges!.flow_2!.at(-1)).toEqual({ x: 256, y: 140 })
  })
  it('takes what is inside and on it along, and keeps an event on the edge', () => {
    const hung = add(line(), 'timer', 'a', names)
    const p = moveBy(hung.p, 'a', 10, 10)
    expect(p.shapes![hung.id]!.y).toBe(10 + 80 - 18)
    expect(moveBy(p, hung.id, 0, 500).shapes![hung.id]).toEqual(p.shapes![hung.id])
  })
  it('makes a sub-process as large as what is in it', () => {
    const made = add(line(), 'subProcess', 'flow_2', names)
    const inner = made.p.nodes.find((n) => n.in === made.id && n.kind === 'userTask')!
    const p = moveBy(made.p, inner.id, 0, 300)
    const [box, task] = [p.shapes![made.id]!, p.shapes![inner.id]!]
    expect(box.y + box.h).toBeGreaterThanOrEqual(task.y + task.h)
  })
})

it('takes back and does again; typing is one step', () => {
  let h = begin(0)
  h = record(record(record(h, 1), 2, 'name'), 3, 'name')
  expect(undo(h).now).toBe(1)
  expect(undo(undo(h)).now).toBe(0)
  expect(redo(undo(h)).now).toBe(3)
  expect(redo(record(undo(h), 9)).now).toBe(9)
})

it('makes room below for what is higher than its row', () => {
  const back = connect(line(), 'b', 'a')
  const { p, id } = add(back.p, 'subProcess', 'flow_2', names)
  const low = Math.max(...p.edges![back.id]!.map((at) => at.y))
  expect(low).toBeGreaterThan(p.shapes![id]!.y + p.shapes![id]!.h)
})

describe('lanes', () => {
  const apart = (p: Process) => p.lanes!.map((l) => p.shapes![l.id]!).every((band, i, all) => all.every((other, j) => i === j || band.y + band.h <= other.y || other.y + other.h <= band.y))
  const held = (p: Process) => p.nodes.filter((n) => n.lane).every((n) => {
    const [own, band] = [p.shapes![n.id]!, p.shapes![n.lane!]!]
    return own.y >= band.y && own.y + own.h <= band.y + band.h && own.x >= band.x && own.x + own.w <= band.x + band.w
  })
  it('come below what is drawn, and nothing moves', () => {
    const before = line()
    const one = addLane(before, 'L')
    const two = addLane(one.p, 'M')
    for (const n of before.nodes) expect(two.p.shapes![n.id]).toEqual(before.shapes![n.id])
    expect(two.p.edges).toEqual(before.edges)
    expect(apart(two.p)).toBe(true)
  })
  it('take a node in without moving the others sideways, and grow with what they hold', () => {
    const one = addLane(line(), 'L')
    const two = addLane(one.p, 'M')
    let p = assign(two.p, 'a', one.id)
    p = assign(p, 'b', two.id)
    expect([p.shapes!.a!.x, p.shapes!.b!.x, p.shapes!.start!.x]).toEqual([86, 236, 0])
    expect(apart(p) && held(p)).toBe(true)
    p = moveBy(p, 'a', 0, 60)
    p = settle(p)
    expect(apart(p) && held(p)).toBe(true)
    expect(nodeOf(p, 'a')!.lane).toBe(one.id)
  })
  it('have what is dragged into them', () => {
    const one = addLane(line(), 'L')
    const two = addLane(one.p, 'M')
    const p = assign(two.p, 'a', one.id)
    const moved = rehome(moveBy(p, 'a', 0, p.shapes![two.id]!.y - p.shapes![one.id]!.y), 'a')
    expect(nodeOf(moved, 'a')!.lane).toBe(two.id)
    expect(moved.lanes!.map((l) => l.nodes)).toEqual([[], ['a']])
    expect(held(moved) && apart(moved)).toBe(true)
    expect(nodeOf(rehome(moveBy(moved, 'a', 0, -2000), 'a'), 'a')!.lane).toBeUndefined()
  })
  it('hold the events on the edge of what is in them', () => {
    const hung = add(line(), 'timer', 'a', names)
    const one = addLane(hung.p, 'L')
    const p = assign(one.p, 'a', one.id)
    expect(nodeOf(p, hung.id)!.lane).toBe(one.id)
    expect(held(p)).toBe(true)
  })
})
