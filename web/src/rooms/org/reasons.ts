import type { FieldReason } from '@/base/problem'

/** The reasons of one row of the file. */
export interface BadRow {
  row: number
  reasons: { column: string; words: string }[]
}

/** Reasons by row, in the order of the rows. Those about no row come first, as row 0. */
export function byRow(reasons: FieldReason[]): BadRow[] {
  const rows = new Map<number, BadRow>()
  for (const reason of reasons) {
    const at = reason.row ?? 0
    const bad = rows.get(at) ?? { row: at, reasons: [] }
    bad.reasons.push({ column: reason.name, words: reason.message })
    rows.set(at, bad)
  }
  return [...rows.values()].sort((a, b) => a.row - b.row)
}

/** The reasons as CSV that Excel opens: a byte order mark, CRLF, cells quoted (RFC 4180). A cell that Excel would take for a
 *  formula begins with a quote. */
export function reasonsCSV(rows: BadRow[], head: [string, string, string]): string {
  const cell = (words: string) => `"${(/^[=+\-@\t]/.test(words) ? `'${words}` : words).replaceAll('"', '""')}"`
  const lines = rows.flatMap((bad) => bad.reasons.map((reason) => [bad.row ? String(bad.row) : '', reason.column, reason.words]))
  return `\ufeff${[head, ...lines].map((line) => line.map(cell).join(',')).join('\r\n')}\r\n`
}
