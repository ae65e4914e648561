/** One piece of a text with what it is. */
export interface Piece {
  text: string
  kind: 'word' | 'text' | 'number' | 'note' | 'param' | ''
}

const keywords = new Set(
  `select from where group by having order limit offset as on and or not in is null join left right full inner outer cross natural using union all except intersect distinct
   case when then else end between like ilike exists with over partition rows range preceding following current row asc desc nulls first last filter cast try_cast
   date timestamp interval true false qualify any rollup cube grouping sets values exclude semi anti`.split(/\s+/),
)
const token = /(--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|('(?:[^']|'')*'?)|(\$[\p{L}_][\p{L}\p{N}_]*)|(\b\d+(?:\.\d+)?\b)|("(?:[^"]|"")*"?|[\p{L}_][\p{L}\p{N}_]*)/gu

/** Cuts SQL into pieces to be coloured. Nothing is lost: the pieces joined are the text. */
export function pieces(sql: string): Piece[] {
  const out: Piece[] = []
  let at = 0
  for (const m of sql.matchAll(token)) {
    if (m.index > at) out.push({ text: sql.slice(at, m.index), kind: '' })
    const kind = m[1] ? 'note' : m[2] ? 'text' : m[3] ? 'param' : m[4] ? 'number' : keywords.has(m[0].toLowerCase()) ? 'word' : ''
    out.push({ text: m[0], kind })
    at = m.index + m[0].length
  }
  if (at < sql.length) out.push({ text: sql.slice(at), kind: '' })
  return out
}
