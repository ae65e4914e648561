import { isNumber, type Build, type Kind } from '../model'

/** One condition as it is typed: several values of "is one of" stand in one text. */
export interface Rule {
  column: string
  op: Op
  value: string
}
/** The comparisons. */
export type Op = 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'in' | 'isnull' | 'prefix' | 'contains'
type Measure = NonNullable<Build['measures']>[number]

/** The comparisons a kind of column knows. */
export function opsOf(kind: Kind): Op[] {
  if (kind === 'text') return ['eq', 'ne', 'contains', 'prefix', 'in', 'isnull']
  if (kind === 'boolean') return ['eq', 'isnull']
  return ['eq', 'ne', 'lt', 'le', 'gt', 'ge', 'in', 'isnull']
}

/** The figures a column can give. */
export function aggsOf(kind: Kind): Measure['agg'][] {
  if (isNumber(kind)) return ['sum', 'avg', 'min', 'max', 'count', 'count_distinct']
  return kind === 'boolean' ? ['count', 'count_distinct'] : ['count_distinct', 'count', 'min', 'max']
}

/** The form as the server takes it: conditions half filled in are left out. */
export function asBuild(form: Form): Build {
  const grouped = form.mode === 'group'
  const where = form.where
    .filter((one) => one.column && (one.op === 'isnull' || one.value.trim() !== ''))
    .map((one) => ({ column: one.column, op: one.op, values: one.op === 'isnull' ? [] : one.op === 'in' ? one.value.split(/[,;\uFF0C\uFF1B\u3001\s]+/).filter(Boolean) : [one.value.trim()] }))
  return {
    dataset: form.dataset, version: form.version, where,
    columns: grouped ? [] : form.columns,
    group: grouped ? form.group.filter((one) => one.column) : [],
    measures: grouped ? form.measures.filter((one) => one.column || one.agg === 'count') : [],
    sort: form.sortBy > 0 ? [{ by: form.sortBy, desc: form.desc }] : [],
    limit: form.limit,
  }
}

/** What is put together on the page. */
export interface Form {
  dataset: string
  version: number // of the dataset, 0 for the one that serves
  mode: 'list' | 'group'
  where: Rule[]
  columns: string[]
  group: { column: string; by: '' | 'year' | 'quarter' | 'month' | 'day' }[]
  measures: Measure[]
  sortBy: number
  desc: boolean
  limit: number
}
