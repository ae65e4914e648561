import type { components } from '@/api.gen'

/** How a dataset stands, in a list. */
export type Line = components['schemas']['QualityLine']
/** All that is known of the quality of a dataset. */
export type Standing = components['schemas']['QualityBody']
/** A rule as kept. */
export type Rule = components['schemas']['QualityRule']
/** What a rule says. */
export type RuleBody = Rule['body']
/** One check of one version. */
export type Check = components['schemas']['QualityCheck']
/** Something to be put right. */
export type Ticket = components['schemas']['QualityTicket']

/** How a grade looks; its words are quality.grade.<grade>. */
export const grades = {
  best: { tone: 'success', shape: 'check' },
  good: { tone: 'brand', shape: 'circle' },
  fair: { tone: 'warning', shape: 'triangle' },
  poor: { tone: 'danger', shape: 'octagon' },
  none: { tone: 'info', shape: 'dash' },
} as const

/** A grade, with a word for having none. */
export const gradeOf = (grade: string): keyof typeof grades => (grade in grades ? (grade as keyof typeof grades) : 'none')

/** Hundredths as people write them: 9485 is 94.85. */
export const points = (score: number): string => (score < 0 ? '–' : `${Math.floor(score / 100)}.${String(score % 100).padStart(2, '0')}`)

/** Kinds of rules, and the fields each of them asks for. */
export const asks: Record<RuleBody['kind'], (keyof RuleBody)[]> = {
  required: ['column'],
  conditional_required: ['column', 'other', 'values'],
  unique: ['column'],
  pattern: ['column', 'pattern'],
  length: ['column', 'min', 'max'],
  range: ['column', 'min', 'max'],
  allowed: ['column', 'values'],
  dictionary: ['column', 'other'],
  check_digit: ['column'],
  compare: ['column', 'op', 'other'],
  reference: ['column', 'other'],
  expression: ['expr'],
  freshness: ['days'],
  row_count: ['min', 'max'],
}

/** What a rule found in a check; undefined when it was not judged. */
export function foundBy(check: Check | null | undefined, rule: string) {
  return check?.found.find((one) => one.rule === rule)
}

/** Passed of checked, in hundredths, cut and not rounded: one bad row of a million is no hundred. */
export const share = (passed: number, checked: number): number => (checked === 0 ? -1 : Math.floor((passed / checked) * 10000 + 1e-9))
