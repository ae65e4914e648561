import type { components } from '@/api.gen'
import type { Catalogued } from './columns'

/** A load with all that was found and decided. */
export type Load = components['schemas']['LibraryLoadBody']
/** A load in a list. */
export type LoadItem = components['schemas']['LibraryLoadItem']
/** A dataset as its reader may see it. */
export type Dataset = components['schemas']['LibraryDatasetBody']
/** A dataset in a list. */
export type DatasetLine = components['schemas']['LibraryDatasetLine']
/** A reason in words. */
export type Said = components['schemas']['LibrarySaid']

/** How a load's state looks; its words are library.state.<state>. */
export const looks = {
  draft: { tone: 'warning', shape: 'diamond' },
  queued: { tone: 'info', shape: 'circle' },
  running: { tone: 'brand', shape: 'ring' },
  done: { tone: 'success', shape: 'check' },
  failed: { tone: 'danger', shape: 'octagon' },
  cancelled: { tone: 'info', shape: 'dash' },
  decide: { tone: 'warning', shape: 'triangle' },
} as const

/** How a level looks; its words are library.level.<level>. */
export const levelLooks = {
  L1: { tone: 'success', shape: 'circle' },
  L2: { tone: 'brand', shape: 'circle' },
  L3: { tone: 'warning', shape: 'triangle' },
  L4: { tone: 'danger', shape: 'octagon' },
} as const

/** A worker has it, or soon will. */
export const busy = (state: Load['state']): boolean => state === 'queued' || state === 'running'

/** The titles of the columns with these names, as far as there are such. */
export function titlesOf(names: string[], columns: Catalogued[]): string[] {
  return names.map((name) => columns.find((column) => column.name === name)?.title ?? name)
}
