import type { components } from '@/api.gen'

type Schemas = components['schemas']

/** A library in a list. */
export type Line = Schemas['ThemeLine']
/** A library with its steps. */
export type Library = Schemas['ThemeBody']
/** One step. */
export type Step = Schemas['ThemeStep']
/** A column of what a step makes. */
export type Column = Schemas['ThemeColumn']
/** A test of what a step makes. */
export type Test = Schemas['ThemeTest']
/** When a library runs by itself. */
export type Schedule = Schemas['ThemeSchedule']
/** What is wrong with a draft. */
export type Said = Schemas['ThemeSaid']
/** A run in a list. */
export type RunLine = Schemas['ThemeRunLine']
/** A run step by step. */
export type Run = Schemas['ThemeRunBody']
/** A dataset the steps may read. */
export type Source = Schemas['ThemeSourceLine']

type Look = { tone: 'success' | 'danger' | 'info' | 'brand' | 'warning'; shape: 'check' | 'octagon' | 'dash' | 'ring' | 'triangle' }

/** How the state of a run or of a step looks. */
export const stateLooks: Record<string, Look> = {
  '': { tone: 'info', shape: 'dash' },
  queued: { tone: 'info', shape: 'ring' },
  running: { tone: 'brand', shape: 'ring' },
  done: { tone: 'success', shape: 'check' },
  failed: { tone: 'danger', shape: 'octagon' },
  cancelled: { tone: 'info', shape: 'dash' },
}

/** How a library stands: never run, well, well with advice, failed; running is told beside it. */
export function standing(line: Line): string {
  if (line.running) return 'running'
  if (line.release === 0) return 'draft'
  if (line.state === 'done' && line.warned > 0) return 'warned'
  return line.state || 'never'
}

/** How that looks. */
export const standingLooks: Record<string, Look> = {
  running: { tone: 'brand', shape: 'ring' },
  draft: { tone: 'info', shape: 'dash' },
  never: { tone: 'info', shape: 'dash' },
  done: { tone: 'success', shape: 'check' },
  warned: { tone: 'warning', shape: 'triangle' },
  failed: { tone: 'danger', shape: 'octagon' },
  cancelled: { tone: 'info', shape: 'dash' },
}

/** Whether a worker has a run, or soon will. */
export const busy = (state: string) => state === 'queued' || state === 'running'

/** A new step with a code nothing else has. */
export function freshStep(steps: Step[]): Step {
  let at = steps.length + 1
  while (steps.some((one) => one.name === `step_${at}`)) at++
  return { name: `step_${at}`, title: '', summary: '', engine: 'duckdb', sql: '', repeats: false, columns: [], tests: [] }
}

/** A new test of a kind. */
export function freshTest(kind: Test['kind'], columns: string[]): Test {
  return { kind, columns: ['rows_min', 'rows_change', 'sql'].includes(kind) ? [] : columns.slice(0, 1), values: [], dictionary: kind === 'dictionary' ? 'sex' : '', low: '', high: '', rows: kind === 'rows_min' ? 1 : 0, percent: kind === 'rows_change' ? 30 : 0, sql: '', title: '', blocking: true }
}

/** The kinds of tests in the order they are offered. */
export const testKinds: Test['kind'][] = ['not_null', 'unique', 'values', 'dictionary', 'between', 'rows_min', 'rows_change', 'sql']

/** Whether a column is classified more openly than what it comes from asks for. */
export const opened = (column: Column) => column.level < (column.floor || 'L1') || (!column.masked && (column.floor || 'L1') >= 'L3')

/** A count for people. */
export const count = (n: number) => n.toLocaleString()
