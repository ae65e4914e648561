import type { components } from '@/api.gen'

type Schemas = components['schemas']
/** An application in a list. */
export type ApplicationLine = Schemas['ExchangeApplicationLine']
/** An application with all it says. */
export type Application = Schemas['ExchangeApplicationBody']
/** What may be applied for. */
export type Source = Schemas['ExchangeSource']
/** One column that may be asked for. */
export type Field = Schemas['ExchangeField']
/** What an applicant writes down. */
export type Wish = Schemas['ExchangeWish']
/** What is shared, and how. */
export type Terms = Schemas['ExchangeTerms']
/** A grant in a list. */
export type GrantLine = Schemas['ExchangeGrantLine']
/** A grant with all it says. */
export type Grant = Schemas['ExchangeGrantBody']
/** One condition on rows. */
export type Rule = NonNullable<Terms['filter']>[number] & { values: string[] }

/** The terms while they are filled in: no list is missing. */
export interface Filling {
  columns: string[]
  reveal: string[]
  filter: Rule[]
  modes: Terms['modes']
  days: number
  quota: number
}

/** Ways of use, in their order. */
export const modes = ['look', 'batch', 'api', 'push'] as const
/** How rows may be compared. */
export const ops = ['eq', 'ne', 'in', 'gt', 'ge', 'lt', 'le', 'prefix', 'contains', 'isnull'] as const
/** How often the data is used. */
export const frequencies = ['once', 'realtime', 'daily', 'weekly', 'monthly', 'irregular'] as const
/** The states of applications. */
export const states = ['draft', 'review', 'returned', 'granted', 'refused', 'stopped'] as const
/** The states grants are narrowed to. */
export const standings = ['standing', 'ending', 'suspended', 'revoked', 'ended'] as const

/** How an application's state looks. */
export const stateLooks = {
  draft: { tone: 'info', shape: 'dash' },
  review: { tone: 'brand', shape: 'ring' },
  returned: { tone: 'warning', shape: 'diamond' },
  granted: { tone: 'success', shape: 'check' },
  refused: { tone: 'danger', shape: 'octagon' },
  stopped: { tone: 'info', shape: 'dash' },
} as const

/** How a grant's state looks. */
export const grantLooks = {
  standing: { tone: 'success', shape: 'check' },
  suspended: { tone: 'warning', shape: 'diamond' },
  revoked: { tone: 'danger', shape: 'octagon' },
  ended: { tone: 'info', shape: 'dash' },
} as const

/** How a way of sharing looks. */
export const shareLooks = {
  unconditional: { tone: 'success', shape: 'circle' },
  conditional: { tone: 'warning', shape: 'triangle' },
  refused: { tone: 'danger', shape: 'octagon' },
} as const

/** Terms to fill in: a copy, so that what was read stays as it was. */
export function filling(terms: Terms): Filling {
  return {
    columns: [...terms.columns], reveal: [...(terms.reveal ?? [])], filter: (terms.filter ?? []).map((rule) => ({ ...rule, values: [...(rule.values ?? [])] })),
    modes: [...terms.modes], days: terms.days, quota: terms.quota ?? 0,
  }
}

/** An application nobody has written anything into. */
export function blank(source: Source): Wish {
  return {
    columns: source.columns.filter((column) => column.share !== 'refused').map((column) => column.name), reveal: [], filter: [], modes: ['look'], days: 365, quota: 0,
    purpose: '', basis: '', matter: '', scenario: '', frequency: 'daily', contact: '', pledge: false,
  }
}

/** The titles of columns by their names. */
export const titles = (names: string[], columns: Field[]): string[] => names.map((name) => columns.find((column) => column.name === name)?.title ?? name)

/** Whether a share of something can be said, and as how many of a hundred. */
export const percent = (part: number, whole: number): string => (whole > 0 ? `${(Math.floor((part / whole) * 1000) / 10).toString()}%` : '–')
