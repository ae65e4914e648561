import type { Graph, GraphNode } from '@/kernel/lineage/graph'
import type { Library, Step } from './model'

/** The steps of a library with what they read, as a graph to be drawn. Names of things a step reads are those the server found
 *  when the draft was last saved. */
export function dagOf(steps: Step[], reads: Library['reads']): Graph {
  const node = (id: string, kind: GraphNode['kind'], title: string, name: string, dataset = ''): GraphNode => ({
    id, kind, title, name, dataset, hidden: false, unitName: '', number: 0, rows: 0, updatedAt: null, library: '', of: '', sql: '', columns: [], links: [], conditions: [], layer: 0,
  })
  const nodes = steps.map((one) => node(`s:${one.name}`, 'step', one.title || one.name, one.name))
  const edges: Graph['edges'] = []
  const add = (from: string, to: string) => edges.push({ from, to, number: 0, stale: false, part: false })
  for (const read of reads) {
    if (!steps.some((one) => one.name === read.step)) continue
    const inside = !read.dataset && steps.some((one) => one.name === read.name)
    const id = inside ? `s:${read.name}` : `d:${read.dataset}`
    if (!inside && !nodes.some((one) => one.id === id)) nodes.unshift(node(id, 'dataset', read.title, read.name, read.dataset))
    add(id, `s:${read.step}`)
  }
  for (let turn = 0; turn < nodes.length; turn++) {
    for (const edge of edges) {
      const from = nodes.find((one) => one.id === edge.from)!
      const to = nodes.find((one) => one.id === edge.to)!
      if (to.layer <= from.layer && from.layer < nodes.length) to.layer = from.layer + 1
    }
  }
  return { nodes: nodes.toSorted((a, b) => a.layer - b.layer), edges, focus: '', more: false }
}
