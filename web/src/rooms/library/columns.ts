import type { components } from '@/api.gen'

/** A column of a file on its way in. */
export type Column = components['schemas']['IntakeColumn']
/** A column as catalogued. */
export type Catalogued = components['schemas']['DatasetColumn']
/** Sorts of personal data, '' for none. */
export type Kind = NonNullable<Catalogued['kind']>
/** L1 open … L4 highly sensitive. */
export type Level = Catalogued['level']

export const kinds: Kind[] = ['', 'name', 'id', 'id_strict', 'mobile', 'phone', 'address', 'birth', 'bank', 'email', 'plate', 'uscc', 'household', 'other']
/** How values lie on disk: '' as the rule says. */
export type Keep = NonNullable<Catalogued['keep']>
export const keeps: Keep[] = ['', 'sealed', 'hashed', 'plain']
export const levels: Level[] = ['L1', 'L2', 'L3', 'L4']
export const typeNames = ['text', 'integer', 'decimal', 'date', 'datetime', 'boolean'] as const
export type TypeName = (typeof typeNames)[number]

/** The parts of a written type: decimal(18,2) → decimal with 18 digits, 2 of them behind the point. */
export function readType(written: string): { name: TypeName; digits: number; scale: number } {
  const [, name, digits, scale] = /^(\w+)(?:\((\d+),\s*(\d+)\))?$/.exec(written) ?? []
  return { name: typeNames.find((one) => one === name) ?? 'text', digits: Number(digits ?? 18), scale: Number(scale ?? 2) }
}

/** A type as the server writes it. */
export function writeType(name: TypeName, digits = 18, scale = 2): string {
  return name === 'decimal' ? `decimal(${Math.max(digits, scale + 1)},${scale})` : name
}

/** What a kind means by default; the server decides alike. */
export function classify(kind: Kind): { level: Level; masked: boolean } {
  if (kind === '') return { level: 'L2', masked: false }
  return kind === 'uscc' ? { level: 'L1', masked: false } : { level: 'L3', masked: true }
}

/** Kinds that identify a person or open an account: always masked and L3 at least. */
export function guarded(kind: Kind | undefined): boolean {
  return kind === 'id' || kind === 'id_strict' || kind === 'mobile' || kind === 'bank'
}

/** Whether the server accepts a column of this kind at this level. */
export function levelAllowed(kind: Kind | undefined, level: Level): boolean {
  return !guarded(kind) || level >= 'L3'
}

/** Whether a column must be masked, whatever the person would like. */
export function maskedByRule(column: { kind?: Kind; level: Level }): boolean {
  return guarded(column.kind) || column.level >= 'L3'
}

/** How a column is kept when nobody decides: identifiers sealed, as long as the setting says so. */
export function keptByRule(column: { kind?: Kind; type: string }, sealing: boolean): 'sealed' | 'plain' {
  return sealing && guarded(column.kind) && column.type === 'text' ? 'sealed' : 'plain'
}

/** Changes the kind and what follows from it. Numbers of people and accounts are names, not quantities: they become text. */
export function setKind(column: Column, kind: Kind): void {
  Object.assign(column, classify(kind), { kind, keep: '' })
  if (kind === '') column.strict = false
  else if (kind !== 'birth') column.type = 'text'
}

/** Changes the level of a column; from L3 on it is masked. */
export function setLevel(column: Catalogued, level: Level): void {
  column.level = level
  if (maskedByRule(column)) column.masked = true
}

/** How sure the server is of a kind it suggests: in words, because a number would feign precision. */
export function sureness(sure: number | undefined): '' | 'high' | 'fair' | 'low' {
  if (!sure) return ''
  if (sure >= 0.9) return 'high'
  return sure >= 0.6 ? 'fair' : 'low'
}

/** The kinds whose values have a shape or check digit that can be insisted on. */
export function checkable(kind: Kind | undefined): boolean {
  return kind !== undefined && ['id', 'id_strict', 'mobile', 'phone', 'bank', 'email', 'plate', 'birth', 'uscc'].includes(kind)
}
