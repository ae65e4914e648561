import type { Dataset } from '../states'

type Grant = Dataset['grants'][number]

/** How a grant stands: it holds, is still to begin, has run out, or was taken back. */
export function standing(grant: Grant, now = new Date()): 'active' | 'coming' | 'ended' | 'revoked' {
  if (grant.revokedAt) return 'revoked'
  if (grant.active) return 'active'
  return grant.from !== null && new Date(grant.from) > now ? 'coming' : 'ended'
}

/** The civil date of today plus months, 2023-11-23; the last day of a shorter month where there is no such day. */
export function dateIn(months: number, today: string): string {
  const [year, month, day] = today.split('-').map(Number) as [number, number, number]
  const last = new Date(Date.UTC(year, month + months, 0)).getUTCDate()
  return new Date(Date.UTC(year, month - 1 + months, Math.min(day, last))).toISOString().slice(0, 10)
}

/** The first and the last instant of a civil date: a term includes its last day. */
export const dayBegins = (date: string): string => `${date}T00:00:00+08:00`
export const dayEnds = (date: string): string => new Date(Date.parse(dayBegins(date)) + 86_400_000 - 1).toISOString()
