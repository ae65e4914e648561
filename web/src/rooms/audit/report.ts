import type { components } from '@/api.gen'

/** A verification as the server tells of it. */
export type Check = components['schemas']['AuditCheckView']

/** Share done of a running verification in percent, undefined while nothing is known. */
export function percentOf(check: Check): number | undefined {
  return check.total > 0 && check.done > 0 ? Math.min(100, Math.floor((check.done / check.total) * 100)) : undefined
}

/** The kinds of damage found, each once, in the order of their places. */
export function faultsOf(check: Check): string[] {
  return [...new Set((check.report?.places ?? []).map((place) => place.fault))]
}

/** A place of the report with its sentence: words[0] is the verdict, one for each place follows. */
export function placesOf(check: Check): { fault: string; seq: number; words: string }[] {
  return (check.report?.places ?? []).map((place, at) => ({ fault: place.fault, seq: place.seq ?? 0, words: check.words[at + 1] ?? '' }))
}
