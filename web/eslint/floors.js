// The dependency rule as a lint rule: rooms → kernel → base, and never from one room to another.
import { dirname, relative, resolve, sep } from 'node:path'

const why = {
  room: 'A room must not import another room ({{from}} → {{to}}): either could then not be left out, moved or tested alone. Ask the server through its API, or move the shared part down to base.',
  kernel: 'The kernel must not import a room ({{to}}): it serves all of them and knows none. The room declares itself through defineRoom.',
  base: 'base must not import {{to}}: it holds no word of government, so that every floor above can stand on it.',
  kit: 'index.ts of a room is part of the first load: import only defineRoom from base, and pages by () => import(…).',
}

/** The floor of a file under src: ['base'], ['kernel'], ['rooms', 'visit'], or ['top'] for main.ts and its like. */
function floorOf(path) {
  const [first, second] = path.split(sep)
  if (first === 'rooms') return ['rooms', second]
  return first === 'base' || first === 'kernel' ? [first] : ['top']
}

/** The message for an import of one file by another (paths under src), undefined when it is allowed. */
export function judge(from, to) {
  const [a, room] = floorOf(from)
  const [b, other] = floorOf(to)
  if (a === 'base' && (b === 'kernel' || b === 'rooms')) return 'base'
  if (a === 'kernel' && b === 'rooms') return 'kernel'
  if (a === 'rooms' && b === 'rooms' && room !== other) return 'room'
  return undefined
}

export default {
  meta: { type: 'problem', messages: why, schema: [{ type: 'object', properties: { src: { type: 'string' } } }] },
  create(context) {
    const src = context.options[0].src
    const from = relative(src, context.filename)
    const isIndex = /^rooms[\\/][^\\/]+[\\/]index\.ts$/.test(from)

    function check(node, source, isStatic) {
      if (typeof source?.value !== 'string') return
      const { value } = source
      const inside = value.startsWith('@/') || value.startsWith('.')
      if (isStatic && isIndex && value !== '@/base/room') return context.report({ node, messageId: 'kit' })
      if (!inside) return
      const to = value.startsWith('@/') ? value.slice(2) : relative(src, resolve(dirname(context.filename), value))
      const messageId = judge(from, to)
      if (messageId) context.report({ node, messageId, data: { from, to } })
    }
    return {
      ImportDeclaration: (node) => check(node, node.source, true),
      ExportNamedDeclaration: (node) => check(node, node.source, true),
      ExportAllDeclaration: (node) => check(node, node.source, true),
      ImportExpression: (node) => check(node, node.source, false),
    }
  },
}
