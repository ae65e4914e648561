import { describe, expect, it } from 'vitest'
import { follow, place, size, type Graph, type GraphNode } from './graph'

const node = (id: string, kind: GraphNode['kind'], layer: number, columns: string[] = [], links: GraphNode['links'] = []): GraphNode => ({
  id, kind, layer, hidden: false, title: id, name: id, unitName: '', dataset: '', number: 1, rows: 0, updatedAt: null, library: '', of: '', sql: '', conditions: [], links,
  columns: columns.map((name) => ({ name, title: name, level: 'L2', masked: false, marked: false })),
})
const graph: Graph = {
  focus: 'd2', more: false,
  nodes: [
    node('f', 'file', 0), node('d1', 'dataset', 1, ['a', 'b']), node('d3', 'dataset', 1, ['c']),
    node('s', 'step', 2, [], [{ name: 'x', how: 'derived', from: [{ dataset: 'd1', column: 'a' }, { dataset: 'd3', column: 'c' }] }, { name: 'y', how: 'copy', from: [{ dataset: 'd1', column: 'b' }] }]),
    node('d2', 'dataset', 3, ['x', 'y']),
  ],
  edges: [['f', 'd1'], ['d1', 's'], ['d3', 's'], ['s', 'd2']].map(([from, to]) => ({ from: from!, to: to!, number: 1, stale: false, part: false })),
}

describe('place', () => {
  it('stands nodes of a layer below each other, none upon another, edges from right to left side', () => {
    const board = place(graph)
    expect(board.nodes).toHaveLength(5)
    for (const one of board.nodes) {
      expect(one.y).toBeGreaterThanOrEqual(0)
      expect(one.y + one.height).toBeLessThanOrEqual(board.height)
      expect(one.x + size.width).toBeLessThanOrEqual(board.width)
      for (const other of board.nodes) if (other !== one && other.x === one.x) expect(other.y >= one.y + one.height || one.y >= other.y + other.height).toBe(true)
    }
    expect(board.lines.map((line) => `${line.from}${line.to}`)).toEqual(['fd1', 'd1s', 'd3s', 'sd2'])
  })
  it('shows a few columns of many, all when opened, those on the path first', () => {
    const wide = { ...graph, nodes: [node('w', 'dataset', 0, Array.from({ length: 30 }, (_, at) => `c${at}`))], edges: [] }
    wide.nodes[0]!.columns[20]!.marked = true
    const shut = place(wide).nodes[0]!
    expect(shut.columns).toHaveLength(size.most)
    expect(shut.columns[0]!.name).toBe('c20')
    expect(shut.more).toBe(30 - size.most)
    expect(place(wide, new Set(['w'])).nodes[0]!.columns).toHaveLength(30)
  })
})

describe('follow', () => {
  it('goes back to every source and to the file', () => {
    const path = follow(graph, 'd2', 'x')
    expect([...path.columns].toSorted()).toEqual(['d1 a', 'd2 x', 'd3 c'])
    expect([...path.nodes].toSorted()).toEqual(['d1', 'd2', 'd3', 'f', 's'])
  })
  it('goes on to what is made of it', () => {
    expect([...follow(graph, 'd1', 'b').columns].toSorted()).toEqual(['d1 b', 'd2 y'])
  })
})
