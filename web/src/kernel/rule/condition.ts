/** A name conditions may speak of, and what it holds. */
export interface Name {
  name: string
  title: string
  kind: Kind
  options?: { key: string; title: string }[]
}
export type Kind = 'number' | 'money' | 'text' | 'date' | 'choice' | 'many' | 'party' | 'list' | 'bool'
/** How a name is held against a value. */
export const ops = {
  number: ['==', '!=', '>', '>=', '<', '<='],
  money: ['==', '!=', '>', '>=', '<', '<='],
  text: ['==', '!=', 'contains', 'given', 'empty'],
  date: ['<', '>=', 'past', 'future'],
  choice: ['==', '!=', 'given', 'empty'],
  many: ['has', 'lacks', 'given', 'empty'],
  party: ['given', 'empty'],
  list: ['given', 'empty', 'atLeast'],
  bool: ['given', 'empty'],
} as const satisfies Record<Kind, readonly string[]>
export type Op = (typeof ops)[Kind][number]
/** Operators that are held against nothing. */
export const alone = (op: string) => ['given', 'empty', 'past', 'future'].includes(op)

/** One line of a condition. Money is in yuan as it is typed. */
export interface Clause {
  name: string
  op: Op
  value: string
  other?: string // name that is held against in the place of a value
}
export interface Condition {
  join: 'and' | 'or'
  clauses: Clause[]
}

/** The names a line may hold its own against: others of the same kind, where more and less have a meaning. */
export function others(clause: Clause, names: Name[]): Name[] {
  const kind = names.find((one) => one.name === clause.name)?.kind
  if (!kind || !['number', 'money', 'date'].includes(kind) || alone(clause.op)) return []
  return names.filter((one) => one.kind === kind && one.name !== clause.name)
}

const quote = (text: string) => JSON.stringify(text)
const amount = (kind: Kind, typed: string) => (kind === 'money' ? String(Math.round(Number(typed) * 100)) : String(Number(typed)))
const isNumber = (typed: string) => typed.trim() !== '' && Number.isFinite(Number(typed))

/** Whether a line says all it must. */
export function complete(clause: Clause, names: Name[]): boolean {
  const kind = names.find((one) => one.name === clause.name)?.kind
  if (!kind || !(ops[kind] as readonly string[]).includes(clause.op)) return false
  if (alone(clause.op)) return true
  if (clause.other) return others(clause, names).some((one) => one.name === clause.other)
  if (kind === 'number' || kind === 'money' || clause.op === 'atLeast') return isNumber(clause.value)
  return kind === 'date' ? /^\d{4}-\d\d-\d\d$/.test(clause.value) : clause.value.trim() !== ''
}

function clauseText({ name, op, value, other }: Clause, kind: Kind): string {
  if (other) return `${name} ${op} ${other}`
  const nothing: Record<string, [string, string]> = { list: [`len(${name}) > 0`, `len(${name}) == 0`], many: [`len(${name}) > 0`, `len(${name}) == 0`], bool: [name, `not ${name}`] }
  if (op === 'given' || op === 'empty') return (nothing[kind] ?? [`${name} != ""`, `${name} == ""`])[op === 'given' ? 0 : 1]!
  if (op === 'past') return `${name} < today()`
  if (op === 'future') return `${name} > today()`
  if (op === 'has') return `${quote(value)} in ${name}`
  if (op === 'lacks') return `not (${quote(value)} in ${name})`
  if (op === 'atLeast') return `len(${name}) >= ${Number(value)}`
  if (kind === 'date') return `${name} ${op} date(${quote(value)})`
  return `${name} ${op} ${kind === 'number' || kind === 'money' ? amount(kind, value) : quote(value)}`
}

/** A condition as an expression; lines that do not say all they must are left out. */
export function write(condition: Condition, names: Name[]): string {
  return condition.clauses.filter((one) => complete(one, names)).map((one) => clauseText(one, names.find((name) => name.name === one.name)!.kind)).join(` ${condition.join} `)
}

/** An expression cut where its outermost "and" or "or" stand; nothing where both do. */
function cut(text: string): { join: 'and' | 'or'; parts: string[] } | undefined {
  const parts: string[] = []
  const joins = new Set<string>()
  let [depth, from, quoted] = [0, 0, '']
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (quoted) {
      if (c === '\\') i++
      else if (c === quoted) quoted = ''
    } else if (c === '"' || c === "'" || c === '`') quoted = c
    else if ('([{'.includes(c)) depth++
    else if (')]}'.includes(c)) depth--
    else if (depth === 0) {
      const found = /^(\s+and\s+|\s+or\s+|\s*&&\s*|\s*\|\|\s*)/.exec(text.slice(i))
      if (!found) continue
      joins.add(/and|&/.test(found[0]) ? 'and' : 'or')
      parts.push(text.slice(from, i))
      from = i + found[0].length
      i = from - 1
    }
  }
  parts.push(text.slice(from))
  return joins.size > 1 || quoted || depth ? undefined : { join: joins.has('or') ? 'or' : 'and', parts: parts.map((one) => one.trim()) }
}

const unquote = (text: string): string | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

/** One part of an expression as a line, undefined where it is more than that. */
function clauseOf(part: string, names: Name[]): Clause | undefined {
  const [, name, op, other] = /^([a-z]\w*) (==|!=|>=?|<=?) ([a-z]\w*)$/.exec(part) ?? []
  if (name && other) {
    const found: Clause = { name, op: op as Op, value: '', other }
    if (complete(found, names)) return found
  }
  for (const { name, kind } of names) {
    for (const op of ops[kind]) {
      if (alone(op)) {
        if (clauseText({ name, op, value: '' }, kind) === part) return { name, op, value: '' }
        continue
      }
      const mark = '\u0000'
      const shape = op === 'has' ? `${mark} in ${name}` : op === 'lacks' ? `not (${mark} in ${name})` : op === 'atLeast' ? `len(${name}) >= ${mark}` : kind === 'date' ? `${name} ${op} date(${mark})` : `${name} ${op} ${mark}`
      const [head, tail] = shape.split(mark) as [string, string]
      if (!part.startsWith(head) || !part.endsWith(tail) || part.length <= head.length + tail.length) continue
      const inner = part.slice(head.length, part.length - tail.length)
      const plain = kind === 'number' || kind === 'money' || op === 'atLeast'
      const value = plain ? (/^-?\d+(\.\d+)?$/.test(inner) ? (kind === 'money' && op !== 'atLeast' ? String(Number(inner) / 100) : inner) : undefined) : unquote(inner)
      if (value === undefined) continue
      const found: Clause = { name, op, value }
      if (complete(found, names) && clauseText(found, kind) === part) return found
    }
  }
  return undefined
}

/** An expression as lines; undefined where lines cannot say it. Nothing is a condition without lines. */
export function read(text: string, names: Name[]): Condition | undefined {
  if (!text.trim()) return { join: 'and', clauses: [] }
  const all = cut(text.trim())
  if (!all) return undefined
  const clauses = all.parts.map((part) => clauseOf(part, names))
  return clauses.every((one) => one !== undefined) ? { join: all.join, clauses: clauses as Clause[] } : undefined
}

const list = (op: Op) => op === 'atLeast'
/** What a line's value is typed or chosen with. */
export function inputOf(kind: Kind, op: Op): 'none' | 'option' | 'number' | 'date' | 'text' {
  if (alone(op)) return 'none'
  if (kind === 'choice' || kind === 'many') return 'option'
  if (kind === 'number' || kind === 'money' || list(op)) return 'number'
  return kind === 'date' ? 'date' : 'text'
}
