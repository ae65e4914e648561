import { exactDate } from '@/base/time'

/** The last instant of a civil date, as the server takes it; null for none. */
export function endOf(date: string): string | null {
  return date ? new Date(Date.parse(`${date}T00:00:00+08:00`) + 86_400_000 - 1000).toISOString() : null
}

/** The civil date some days from now. */
export function dateAfter(days: number, now = new Date()): string {
  return exactDate(new Date(now.getTime() + days * 86_400_000))
}
