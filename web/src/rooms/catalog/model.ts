import type { components } from '@/api.gen'

type Schemas = components['schemas']
/** An entry in a list. */
export type Line = Schemas['CatalogEntryLine']
/** An entry with all its reader may see. */
export type Entry = Schemas['CatalogEntryBody']
/** What an entry says. */
export type Body = Schemas['EntryBody']
/** One item of a resource. */
export type Item = Schemas['EntryItem']
/** What the catalogue can be narrowed by. */
export type Facets = Schemas['CatalogFacets']
/** A binding of an entry to data. */
export type Mount = Schemas['CatalogMountLine']
/** One thing that is wrong. */
export type Fault = Schemas['CatalogFault']
/** A demand in a list. */
export type DemandLine = Schemas['CatalogDemandLine']
/** A run that drafts many, or reads a workbook. */
export type Run = Schemas['CatalogRunBody']

/** The values of the enumerated elements, in the order of the guide; their words are catalog.<element>.<value>. */
export const classes = ['1', '2', '3'] as const
export const shares = ['unconditional', 'conditional', 'refused'] as const
export const cycles = ['realtime', 'daily', 'weekly', 'monthly', 'quarterly', 'halfyear', 'yearly', 'irregular', 'once'] as const
export const formats = ['database', 'sheet', 'file', 'image', 'media', 'self', 'service'] as const
export const modes = ['table', 'api', 'file', 'push', 'mail', 'medium'] as const
export const types = ['C', 'N', 'Y', 'D', 'T', 'L', 'M', 'G', 'B', 'I', 'F'] as const
export const levels = ['L1', 'L2', 'L3', 'L4'] as const
export const kinds = ['name', 'id', 'id_strict', 'mobile', 'phone', 'address', 'bank', 'email', 'plate', 'birth', 'uscc', 'household', 'other'] as const
/** The kinds named under each format; self is free text. */
export const subs: Record<string, string[]> = {
  file: ['OFD', 'wps', 'xml', 'txt', 'doc', 'docx', 'html', 'pdf', 'ppt', 'pptx'],
  sheet: ['et', 'xls', 'xlsx', 'csv'],
  database: ['Dm', 'KingbaseES', 'access', 'dbf', 'dbase', 'sysbase', 'oracle', 'sql server', 'db2', 'mysql', 'postgresql', 'warehouse'],
  image: ['jpg', 'gif', 'bmp'],
  media: ['swf', 'rm', 'mpg'],
  service: ['REST', 'SOAP', 'OGC'],
}

/** How a share type looks. */
export const shareLooks = {
  unconditional: { tone: 'success', shape: 'check' },
  conditional: { tone: 'warning', shape: 'triangle' },
  refused: { tone: 'danger', shape: 'octagon' },
} as const
/** How a level looks. */
export const levelLooks = {
  L1: { tone: 'success', shape: 'circle' },
  L2: { tone: 'brand', shape: 'circle' },
  L3: { tone: 'warning', shape: 'triangle' },
  L4: { tone: 'danger', shape: 'octagon' },
} as const
/** How a binding to data looks. */
export const mountLooks = {
  none: { tone: 'info', shape: 'dash' },
  mounted: { tone: 'success', shape: 'check' },
  stale: { tone: 'warning', shape: 'triangle' },
  broken: { tone: 'danger', shape: 'octagon' },
} as const
/** How a state looks. */
export const stateLooks = {
  draft: { tone: 'info', shape: 'dash' },
  published: { tone: 'success', shape: 'check' },
  offline: { tone: 'warning', shape: 'diamond' },
  archived: { tone: 'info', shape: 'octagon' },
} as const
/** How the version in work looks. */
export const workLooks = {
  draft: { tone: 'info', shape: 'dash' },
  dept: { tone: 'brand', shape: 'ring' },
  bureau: { tone: 'brand', shape: 'ring' },
  approved: { tone: 'warning', shape: 'diamond' },
  offline: { tone: 'warning', shape: 'ring' },
} as const

/** A count as people read it. */
export const count = (n: number): string => n.toLocaleString()

/** A share of a whole in percent, a dash where there is no whole. */
export const percent = (part: number, whole: number): string => (whole > 0 ? `${Math.round((part * 100) / whole)}%` : '–')

/** An entry nobody has written anything into yet. */
export function blank(unit: string): Body {
  return {
    class: '3', item: '01', subject: '001', detail: '', name: '', unit, unitCode: '', summary: '', keywords: [], format: 'database', sub: 'mysql', items: [],
    share: 'unconditional', condition: '', basis: '', mode: 'table', open: false, openCondition: '', cycle: 'monthly', related: [], level: 'L2',
    system: '', duty: '', space: '', since: '', until: '', contact: '', phone: '',
  }
}

/** An item nobody has written anything into yet. */
export function blankItem(): Item {
  return { name: '', field: '', type: 'C', length: 50, key: false, empty: true, dict: '', share: '', closed: false, level: 'L2', kind: '', note: '' }
}
