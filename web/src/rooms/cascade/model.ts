import type { components } from '@/api.gen'

/** What the server says of the exchange. */
export type NodeItem = components['schemas']['CascadeNodeItem']
export type NodeFull = components['schemas']['CascadeNodeFull']
export type BatchItem = components['schemas']['CascadeBatchItem']
export type EntryItem = components['schemas']['CascadeEntryItem']
export type LinkItem = components['schemas']['CascadeLinkItem']
export type FeedItem = components['schemas']['CascadeFeedItem']
export type SourceItem = components['schemas']['CascadeSourceItem']
export type Side = components['schemas']['CascadeSide']
export type Offerable = components['schemas']['CascadeOfferable']

type Tone = 'brand' | 'success' | 'warning' | 'danger' | 'info'
type Shape = 'circle' | 'triangle' | 'diamond' | 'octagon' | 'check' | 'dash' | 'ring'

/** How a state looks: of a batch, an entry, a finding. */
export const looks: Record<string, { tone: Tone; shape: Shape }> = {
  made: { tone: 'brand', shape: 'ring' }, sent: { tone: 'brand', shape: 'circle' }, acknowledged: { tone: 'success', shape: 'check' },
  receiving: { tone: 'brand', shape: 'ring' }, received: { tone: 'warning', shape: 'circle' }, verified: { tone: 'brand', shape: 'circle' }, applied: { tone: 'success', shape: 'check' },
  refused: { tone: 'danger', shape: 'octagon' }, pending: { tone: 'brand', shape: 'ring' }, accepted: { tone: 'success', shape: 'check' }, rejected: { tone: 'danger', shape: 'octagon' },
  offline: { tone: 'info', shape: 'dash' }, active: { tone: 'success', shape: 'check' }, paused: { tone: 'info', shape: 'dash' }, stopped: { tone: 'info', shape: 'dash' },
  ok: { tone: 'success', shape: 'check' }, warn: { tone: 'warning', shape: 'triangle' }, bad: { tone: 'danger', shape: 'octagon' },
}

/** The look of a state, of an unknown one too. */
export const lookOf = (state: string) => looks[state] ?? { tone: 'info' as Tone, shape: 'circle' as Shape }

/** A hash in groups of four, as it is read out over the telephone. */
export const grouped = (hash: string) => hash.replace(/(.{4})(?=.)/g, '$1 ')

/** The first digits of a hash, enough to compare by eye. */
export const short = (hash: string) => (hash ? `${hash.slice(0, 8)}…${hash.slice(-4)}` : '')
