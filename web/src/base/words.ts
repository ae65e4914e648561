import { text } from './i18n'
import type { Problem } from './problem'

const byStatus: Record<number, string> = {
  401: 'base.error.unsigned',
  403: 'base.error.denied',
  404: 'base.error.missing',
  429: 'base.error.limited',
}

/** A problem in words: the server's own, or ours where it gave none. */
export function problemWords(problem: Problem): string {
  if (problem.message) return problem.message
  if (problem.offline) return text('base.error.network')
  return text(byStatus[problem.status] ?? 'base.error.server')
}
