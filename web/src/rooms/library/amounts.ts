import { language } from '@/base/i18n'

/** A count with separators: 200 000 as 200,000. */
export const count = (n: number): string => n.toLocaleString(language())

/** Bytes in the largest unit that leaves a whole number before the point: 12.3 MB. */
export function bytes(n: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let at = 0
  while (n >= 1024 && at < units.length - 1) {
    n /= 1024
    at++
  }
  return `${at === 0 || n >= 100 ? Math.round(n) : n.toFixed(1)} ${units[at]}`
}

/** A share as whole percent; never 100 before everything is there. */
export function percent(part: number, all: number): number {
  if (all <= 0) return 0
  return part >= all ? 100 : Math.min(99, Math.floor((part / all) * 100))
}
