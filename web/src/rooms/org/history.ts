import { text } from '@/base/i18n'
import { exactDate } from '@/base/time'
import { kindWords, type UnitSpan } from './model'

/** One moment in a unit's history. */
export interface HistoryEvent {
  at: string
  day: string // 2023-11-23
  kind: 'made' | 'changed' | 'ended' | 'reopened'
  title: string
  lines: string[] // what became different
}

const compared = ['name', 'kind', 'short', 'code', 'parent', 'street'] as const

function value(span: UnitSpan, field: (typeof compared)[number]): string {
  if (field === 'kind') return kindWords(span.kind)
  if (field === 'parent') return span.parentName || text('org.move.top')
  return span[field] || text('base.overtaken.empty')
}

/** The spans of a unit (newest first, as the server gives them) told as events, newest first. A gap between two spans is the
 *  time for which the unit was closed. */
export function spansInWords(spans: UnitSpan[]): HistoryEvent[] {
  const events: HistoryEvent[] = []
  const add = (at: string | null, kind: HistoryEvent['kind'], lines: string[]) => {
    if (at) events.push({ at, day: exactDate(at), kind, title: text(`org.history.${kind}`), lines })
  }
  const oldest = [...spans].reverse()
  oldest.forEach((span, i) => {
    const before = oldest[i - 1]
    const lines = (previous: UnitSpan) =>
      compared.filter((field) => span[field] !== previous[field]).map((field) => text('org.history.line', [text(`org.field.${field}`), value(previous, field), value(span, field)]))
    if (!before) add(span.from, 'made', [text('org.history.first', [span.name, value(span, 'kind'), value(span, 'parent')])])
    else if (before.until === span.from) {
      const found = lines(before)
      if (found.length) add(span.from, 'changed', found)
    } else add(span.from, 'reopened', lines(before))
    if (span.until && oldest[i + 1]?.from !== span.until) add(span.until, 'ended', [])
  })
  return events.reverse()
}

/** The span in force at the end of a day (2022-12-31), undefined when the unit was not there then. */
export function spanOn(spans: UnitSpan[], day: string): UnitSpan | undefined {
  return spans.find((span) => span.from !== null && exactDate(span.from) <= day && (span.until === null || exactDate(span.until) > day))
}
