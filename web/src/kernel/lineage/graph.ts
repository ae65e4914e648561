import type { components } from '@/api.gen'

type Schemas = components['schemas']

/** Where data comes from and what is made of it, from left to right. */
export type Graph = Schemas['ThemeGraph']
/** One thing of it: a file, a dataset, a step, an answer. */
export type GraphNode = Schemas['ThemeNode']

/** Sizes of what is drawn, in rem, so that they follow the size of type. */
export const size = { width: 13.5, head: 4.4, row: 2, foot: 2, gapX: 3, gapY: 1.4, most: 7, edge: 1 }

/** A node where it is drawn. */
export interface Placed {
  node: GraphNode
  x: number
  y: number
  height: number
  columns: GraphNode['columns'] // those shown
  more: number // how many are not
}

/** An edge where it is drawn. */
export interface Line {
  from: string
  to: string
  d: string
  stale: boolean
}

/** Everything where it is drawn. */
export interface Board {
  nodes: Placed[]
  lines: Line[]
  width: number
  height: number
}

/** Puts the nodes of every layer below each other, near what they are joined to; open ones show all their columns. */
export function place(graph: Graph, open: ReadonlySet<string> = new Set()): Board {
  const layers = byLayer(graph)
  const nodes: Placed[] = []
  let height = 0
  layers.forEach((layer, at) => {
    let y = size.edge
    for (const node of layer) {
      const placed = placeNode(node, size.edge + at * (size.width + size.gapX), y, open.has(node.id))
      nodes.push(placed)
      y += placed.height + size.gapY
    }
    height = Math.max(height, y - size.gapY + size.edge)
  })
  centre(nodes, layers, height)
  const width = 2 * size.edge + layers.length * size.width + Math.max(0, layers.length - 1) * size.gapX
  return { nodes, lines: linesOf(graph, nodes), width, height }
}

function byLayer(graph: Graph): GraphNode[][] {
  const layers: GraphNode[][] = []
  for (const node of graph.nodes) (layers[node.layer] ??= []).push(node)
  const full = layers.filter((layer) => layer?.length)
  const places = new Map<string, number>()
  const note = (layer: GraphNode[]) => layer.forEach((node, at) => places.set(node.id, at))
  full.forEach(note)
  const near = (id: string) => {
    const beside = graph.edges.flatMap((edge) => (edge.to === id ? [edge.from] : edge.from === id ? [edge.to] : []))
    const known = beside.map((other) => places.get(other)).filter((one) => one !== undefined)
    return known.length ? known.reduce((sum, one) => sum + one, 0) / known.length : (places.get(id) ?? 0)
  }
  for (let turn = 0; turn < 4; turn++) {
    for (const layer of turn % 2 ? full.toReversed() : full) {
      const wanted = new Map(layer.map((node) => [node.id, near(node.id)]))
      layer.sort((a, b) => wanted.get(a.id)! - wanted.get(b.id)!)
      note(layer)
    }
  }
  return full
}

function placeNode(node: GraphNode, x: number, y: number, open: boolean): Placed {
  const all = node.columns
  const few = all.length <= size.most + 1
  const marked = all.filter((c) => c.marked)
  const columns = open || few ? all : [...marked, ...all.filter((c) => !c.marked)].slice(0, Math.max(size.most, marked.length))
  const more = all.length - columns.length
  const foot = few ? 0 : size.foot
  return { node, x, y, height: size.head + columns.length * size.row + foot + (columns.length ? 0.6 : 0), columns, more }
}

/** Moves every layer to the middle of the board. */
function centre(nodes: Placed[], layers: GraphNode[][], height: number): void {
  for (const layer of layers) {
    const mine = nodes.filter((one) => layer.includes(one.node))
    const last = mine.at(-1)!
    const shift = (height - size.edge - (last.y + last.height)) / 2
    for (const one of mine) one.y += shift
  }
}

function linesOf(graph: Graph, nodes: Placed[]): Line[] {
  const find = (id: string) => nodes.find((one) => one.node.id === id)
  return graph.edges.flatMap((edge) => {
    const from = find(edge.from)
    const to = find(edge.to)
    if (!from || !to) return []
    const [x1, y1, x2, y2] = [from.x + size.width, from.y + size.head / 2, to.x, to.y + size.head / 2]
    const bend = Math.max(2, Math.abs(x2 - x1) / 2)
    return [{ from: edge.from, to: edge.to, stale: edge.stale, d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` }]
  })
}

/** What one column comes from and goes into: the columns as "node column", and the nodes. */
export interface Path {
  columns: Set<string>
  nodes: Set<string>
}

/** How a column is named in a path. */
export const keyOf = (node: string, column: string) => `${node} ${column}`

/** Follows a column both ways, through every step. */
export function follow(graph: Graph, node: string, column: string): Path {
  const path: Path = { columns: new Set([keyOf(node, column)]), nodes: new Set([node]) }
  const madeBy = (step: GraphNode) => graph.edges.find((edge) => edge.from === step.id)?.to ?? step.id
  const makers = graph.nodes.filter((one) => one.links.length > 0)
  const walk = (start: [string, string], next: (at: [string, string], visit: (id: string, name: string, through: string) => void) => void) => {
    const queue = [start]
    for (let at = queue.shift(); at; at = queue.shift()) {
      next(at, (id, name, through) => {
        path.nodes.add(through).add(id)
        const key = keyOf(id, name)
        if (path.columns.has(key)) return
        path.columns.add(key)
        queue.push([id, name])
      })
    }
  }
  walk([node, column], ([id, name], visit) => {
    for (const step of makers) {
      if (madeBy(step) !== id) continue
      for (const link of step.links) if (link.name === name) link.from.forEach((from) => visit(from.dataset, from.column, step.id))
    }
  })
  walk([node, column], ([id, name], visit) => {
    for (const step of makers) {
      for (const link of step.links) if (link.from.some((from) => from.dataset === id && from.column === name)) visit(madeBy(step), link.name, step.id)
    }
  })
  for (const edge of graph.edges) if (path.nodes.has(edge.to) && graph.nodes.some((one) => one.id === edge.from && ['file', 'feed', 'other'].includes(one.kind))) path.nodes.add(edge.from)
  return path
}
