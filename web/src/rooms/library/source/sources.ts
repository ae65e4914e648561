import type { components } from '@/api.gen'

/** A source as the server shows it. */
export type Source = components['schemas']['LibrarySourceBody']
/** Where a source is. */
export type Spec = components['schemas']['SourceSpec']
/** A table of a source. */
export type SourceTable = components['schemas']['LibrarySourceTable']
/** A kind of source. */
export type SourceKind = Spec['kind']
/** When a feed runs. */
export type Schedule = components['schemas']['ScheduleSchedule']

export const kinds: SourceKind[] = ['postgres', 'mysql', 'sqlserver', 'oracle', 'folder', 'sftp', 'http']

/** Whether a kind is a database. */
export const isDatabase = (kind: SourceKind): boolean => ['postgres', 'mysql', 'sqlserver', 'oracle'].includes(kind)

/** The port a kind usually listens on, 0 for none. */
export const usualPort = (kind: SourceKind): number => ({ postgres: 5432, mysql: 3306, sqlserver: 1433, oracle: 1521, sftp: 22, folder: 0, http: 0 })[kind]

/** Which texts a kind needs, in the order they are asked for. */
export function fieldsOf(kind: SourceKind): ('host' | 'database' | 'user' | 'path' | 'hostKey')[] {
  if (isDatabase(kind)) return ['host', 'database', 'user']
  if (kind === 'sftp') return ['host', 'user', 'path', 'hostKey']
  return kind === 'folder' ? ['path'] : []
}

/** Only what belongs to the kind is sent. */
export function cleanSpec(spec: Spec): Spec {
  const out: Spec = { kind: spec.kind }
  for (const field of fieldsOf(spec.kind)) out[field] = (spec[field] ?? '').trim()
  if (isDatabase(spec.kind) || spec.kind === 'sftp') out.port = Number(spec.port) || 0
  if (isDatabase(spec.kind)) out.tls = spec.tls ?? ''
  if (spec.kind === 'http') out.api = spec.api
  return out
}
