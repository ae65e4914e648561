import { expect, it } from 'vitest'
import { complete, ops, read, write, type Clause, type Condition, type Name, type Op } from './condition'

const names: Name[] = [
  { name: 'level', title: '程度', kind: 'choice', options: [{ key: 'big', title: '重大' }, { key: 'small', title: '一般' }] },
  { name: 'marks', title: '标记', kind: 'many', options: [{ key: 'x', title: '一' }] },
  { name: 'n', title: '数', kind: 'number' },
  { name: 'fee', title: '费', kind: 'money' },
  { name: 'day', title: '日', kind: 'date' },
  { name: 'who', title: '人', kind: 'party' },
  { name: 'photos', title: '照片', kind: 'list' },
  { name: 'slot', title: '时段', kind: 'bool' },
  { name: 'note', title: '话', kind: 'text' },
  { name: 'n1', title: '另一数', kind: 'number' },
]

it.each([
  ['level == "big"', 1], ['n >= 3 and level != "small"', 2], ['fee > 12345', 1], ['day < today() or day >= date("2026-01-31")', 2], ['who != "" && len(photos) == 0', 2],
  ['"x" in marks', 1], ['not ("x" in marks)', 1], ['not slot', 1], ['n <= n1 and n > 0', 2], ['note contains "a and \\"b\\" or c"', 1], ['n1 == 2', 1], ['', 0],
])('reads %s', (text, count) => expect(read(text, names)?.clauses.length).toBe(count))

it.each(['n > 1 and n < 3 or n == 7', '(n > 1)', 'n + 1 > 2', 'days(day, today()) > 3', 'nothing == "a"', 'n == fee', 'n == n', 'note == level', 'n == "3"', 'sum(rows, "a") > 1', 'level in ["big"]', 'n > 1 and (n < 3 or n == 7)'])('leaves %s to the expression', (text) => expect(read(text, names)).toBeUndefined())

it('money is typed in yuan and kept in fen', () => {
  expect(read('fee > 12345', names)!.clauses[0]!.value).toBe('123.45')
  expect(write({ join: 'and', clauses: [{ name: 'fee', op: '>', value: '123.45' }] }, names)).toBe('fee > 12345')
})

it('what is written is read back the same, for every name and operator', () => {
  let seed = 9
  const pick = <T>(all: readonly T[]): T => all[(seed = (seed * 1103515245 + 12345) & 0x7fffffff) % all.length]!
  const texts = ['a', 'b and c', '" or "', '\\', '重大', "it's (x", '2', '0.5', '-3', '2026-02-28', 'x', 'big']
  for (let i = 0; i < 4000; i++) {
    const clauses: Clause[] = Array.from({ length: 1 + (i % 4) }, () => {
      const name = pick(names)
      return { name: name.name, op: pick<Op>(ops[name.kind] as readonly Op[]), value: pick(texts) }
    }).filter((one) => complete(one, names)).map((one) => (['given', 'empty', 'past', 'future'].includes(one.op) ? { ...one, value: '' } : one))
    if (!clauses.length) continue
    const condition: Condition = { join: clauses.length > 1 ? pick(['and', 'or'] as const) : 'and', clauses }
    const text = write(condition, names)
    const again = read(text, names)
    expect(again && write(again, names), text).toBe(text)
    expect(again, text).toEqual({ ...condition, clauses: condition.clauses.map((one) => ({ ...one, value: ['>', '>=', '<', '<=', '==', '!=', 'atLeast'].includes(one.op) && /^-?[\d.]+$/.test(one.value) && names.find((n) => n.name === one.name)!.kind !== 'text' && names.find((n) => n.name === one.name)!.kind !== 'choice' ? String(Number(one.value)) : one.value })) })
  }
})
