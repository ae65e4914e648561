import type { components } from '@/api.gen'
import { text } from '@/base/i18n'
import type { Schedule } from '../source/sources'
import type { LoadItem } from '../states'

/** A feed with all that was found and decided. */
export type Feed = components['schemas']['LibraryFeedBody']
/** A feed in a list. */
export type FeedItem = components['schemas']['LibraryFeedItem']
/** How a feed is collected. */
export type Way = components['schemas']['LibraryWay']
/** One way in which columns differ. */
export type Change = components['schemas']['IntakeChange']
/** What is decided about one. */
export type Choosing = components['schemas']['LibraryChoosing']

type Looked = Pick<FeedItem, 'state' | 'running' | 'fails' | 'late'>

/** How a feed looks in a list: what wants somebody comes before what runs. */
export function feedLook(feed: Looked) {
  if (feed.running) return { word: 'running', look: { tone: 'brand', shape: 'ring' } } as const
  if (feed.state === 'decide') return { word: 'decide', look: { tone: 'warning', shape: 'triangle' } } as const
  if (feed.state === 'draft') return { word: 'draft', look: { tone: 'warning', shape: 'diamond' } } as const
  if (feed.fails > 0) return { word: 'failing', look: { tone: 'danger', shape: 'octagon' } } as const
  if (feed.late) return { word: 'late', look: { tone: 'warning', shape: 'triangle' } } as const
  if (feed.state === 'paused') return { word: 'paused', look: { tone: 'info', shape: 'dash' } } as const
  return { word: 'on', look: { tone: 'success', shape: 'check' } } as const
}

/** When a feed runs, in a few words. */
export function scheduleWords(schedule: Schedule): string {
  const at = schedule.at || '00:00'
  switch (schedule.every) {
    case 'minutes': return text('library.schedule.saysMinutes', [schedule.n ?? 0])
    case 'hours': return text('library.schedule.saysHours', [schedule.n ?? 0, at.slice(3)])
    case 'daily': return text('library.schedule.saysDaily', [at])
    case 'workdays': return text('library.schedule.saysWorkdays', [at])
    case 'weekly': return text('library.schedule.saysWeekly', [text(`library.schedule.day${schedule.day || 1}`), at])
    case 'monthly': return text('library.schedule.saysMonthly', [schedule.day || 1, at])
    default: return text('library.feed.byHand')
  }
}

/** What is usually done about a difference, to begin with. */
export function usualChoice(change: Change): Choosing {
  switch (change.what) {
    case 'added': return { header: change.header, do: 'take' }
    case 'renamed': return { header: change.header, do: 'map', to: change.to ?? '' }
    case 'retyped': return { header: change.header, do: 'retype' }
    default: return { header: change.header, do: 'empty' }
  }
}

/** What may be done about one. */
export function waysOf(change: Change): Choosing['do'][] {
  if (change.what === 'added') return ['take', 'skip']
  if (change.what === 'retyped') return ['retype', 'keep']
  return ['map', 'empty', 'drop']
}

/** The names a lost column may go on under: columns that are new, and no other has taken. */
export function successors(change: Change, changes: Change[], chosen: Choosing[]): string[] {
  const fresh = changes.flatMap((one) => (one.what === 'added' ? [one.header] : one.what === 'renamed' && one.to ? [one.to] : []))
  const taken = chosen.filter((one) => one.do === 'map' && one.header !== change.header).map((one) => one.to)
  return fresh.filter((name) => !taken.includes(name))
}

/** What is sent: a new column that a lost one goes on under needs no decision of its own; a guess that was turned down does. */
export function decided(changes: Change[], chosen: Choosing[]): Choosing[] {
  const used = chosen.filter((one) => one.do === 'map').map((one) => one.to)
  const freed = changes.filter((one) => one.what === 'renamed' && one.to && !used.includes(one.to)).map((one) => ({ header: one.to!, do: 'take' as const }))
  return [...chosen, ...freed]
}

/** What a run came to, in a few words. */
export function runWords(run: LoadItem, count: (n: number) => string): string {
  const out = run.outcome
  if (run.state === 'failed' || run.state === 'decide') return run.error
  if (run.state === 'queued') return text('library.loads.queued')
  if (run.state === 'running') return text('library.loads.runningRows', [count(run.rows)])
  if (run.state !== 'done') return ''
  if (out.unchanged) return text('library.run.same')
  const rejected = run.rejected > 0 ? text('library.run.rejected', [count(run.rejected)]) : ''
  if (out.mode !== 'full' && !out.whole) return text('library.run.changed', [count(out.inserted), count(out.updated), count(out.deleted)]) + rejected
  return text('library.run.whole', [count(run.rows)]) + rejected
}

/** Bars of the history: how high each of the last runs stands against the highest. */
export function bars(runs: LoadItem[], most = 30): { run: LoadItem; height: number }[] {
  const shown = runs.filter((run) => run.state === 'done' || run.state === 'failed' || run.state === 'decide').slice(0, most).reverse()
  const weight = (run: LoadItem) => (run.state === 'done' ? run.outcome.fetched || run.rows : 0)
  const top = Math.max(1, ...shown.map(weight))
  return shown.map((run) => ({ run, height: run.state === 'done' ? Math.max(6, Math.round((weight(run) / top) * 100)) : 100 }))
}
