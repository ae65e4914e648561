import { language, text } from './i18n'

/** A time as the server writes it (RFC 3339) or a Date. Civil time is +08:00 whatever the computer's zone is. */
export type Instant = string | Date

const zone = 'Asia/Shanghai'
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

const parts = new Intl.DateTimeFormat('en-CA', {
  timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
})

interface Civil {
  year: number
  month: number
  day: number
  clock: string // 17:30
  seconds: string
  midnight: number // days since 1970 of the civil date
}

function civil(at: Date): Civil {
  const found: Record<string, string> = {}
  for (const p of parts.formatToParts(at)) found[p.type] = p.value
  const [year, month, date] = [Number(found.year), Number(found.month), Number(found.day)]
  return {
    year, month, day: date,
    clock: `${found.hour}:${found.minute}`,
    seconds: found.second ?? '00',
    midnight: Date.UTC(year, month - 1, date) / day,
  }
}

const toDate = (at: Instant): Date => (at instanceof Date ? at : new Date(at))
const two = (n: number): string => String(n).padStart(2, '0')

/** The full time for titles and records: 2023-11-23 17:30:05. '' for an unreadable one. */
export function exactTime(at: Instant): string {
  const date = toDate(at)
  if (Number.isNaN(date.getTime())) return ''
  const c = civil(date)
  return `${c.year}-${two(c.month)}-${two(c.day)} ${c.clock}:${c.seconds}`
}

/** The date alone: 2023-11-23. */
export function exactDate(at: Instant): string {
  return exactTime(at).slice(0, 10)
}

/** The time as people say it: 今天 17:30, 昨天 08:00, 明天 09:00, 11月23日 17:30, 2022年11月23日. */
export function shortTime(at: Instant, now: Date = new Date()): string {
  const date = toDate(at)
  if (Number.isNaN(date.getTime())) return ''
  const [c, today] = [civil(date), civil(now)]
  const names: Record<number, string> = { [-1]: 'base.time.yesterday', 0: 'base.time.today', 1: 'base.time.tomorrow' }
  const name = names[c.midnight - today.midnight]
  if (name) return text(name, [c.clock])
  if (c.year === today.year) return text('base.time.thisYear', [c.month, c.day, c.clock])
  return text('base.time.otherYear', [c.year, c.month, c.day])
}

/** A length in its two largest units: 2 小时, 1 天 3 小时, 12 分钟; less than a minute says so. */
export function duration(milliseconds: number): string {
  const all = Math.abs(milliseconds)
  const [days, hours, minutes] = [Math.floor(all / day), Math.floor((all % day) / hour), Math.floor((all % hour) / minute)]
  if (days > 0) return unit('day', days) + (hours > 0 && days < 10 ? ' ' + unit('hour', hours) : '')
  if (hours > 0) return unit('hour', hours) + (minutes > 0 && hours < 3 ? ' ' + unit('minute', minutes) : '')
  return minutes > 0 ? unit('minute', minutes) : text('base.time.moment')
}

function unit(name: 'day' | 'hour' | 'minute', n: number): string {
  const plural = language() === 'en' && n !== 1 ? 's' : ''
  return text(`base.time.${name}${plural}`, [n])
}

/** How a deadline stands: the words, and whether it is past (late), near (soon: under 2 h) or far. */
export function deadline(due: Instant, now: Date = new Date()): { words: string; state: 'late' | 'soon' | 'far' } {
  const left = toDate(due).getTime() - now.getTime()
  if (left < 0) return { words: text('base.time.late', [duration(left)]), state: 'late' }
  return { words: text('base.time.left', [duration(left)]), state: left < 2 * hour ? 'soon' : 'far' }
}
