import type { components } from '@/api.gen'

/** One check as the server made it. */
export type Finding = components['schemas']['SystemCheck']
/** How one check, or all together, stand. */
export type State = Finding['state']

const order: State[] = ['bad', 'warn', 'ok']

/** The checks with the worst first, in the server's order within a state. */
export function worstFirst(checks: Finding[]): Finding[] {
  return [...checks].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
}

/** The worst state among the checks, and how many are in it. */
export function overall(checks: Finding[]): { state: State; count: number } {
  const state = worstFirst(checks)[0]?.state ?? 'ok'
  return { state, count: checks.filter((check) => check.state === state).length }
}

/** A length as minutes and seconds: 1:05, 12:00. */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
