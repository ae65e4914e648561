import { expect, it } from 'vitest'
import { complete, namesOf, ops, read, write, type Clause, type Condition, type Op } from './condition'
import type { Field } from '../model'

const fields = [
  { key: 'level', title: { zh: '程度' }, type: 'choice', options: [{ key: 'big', title: { zh: '重大' } }, { key: 'small', title: { zh: '一般' } }] },
  { key: 'marks', title: { zh: '标记' }, type: 'choice', many: true, options: [{ key: 'x', title: { zh: '一' } }] },
  { key: 'n', title: { zh: '数' }, type: 'number' },
  { key: 'fee', title: { zh: '费' }, type: 'money' },
  { key: 'day', title: { zh: '日' }, type: 'date' },
  { key: 'who', title: { zh: '人' }, type: 'person' },
  { key: 'photos', title: { zh: '照片' }, type: 'photo' },
  { key: 'slot', title: { zh: '时段' }, type: 'period' },
  { key: 'note', title: { zh: '话' }, type: 'text' },
  { key: 'n1', title: { zh: '另一数' }, type: 'number' },
] as unknown as Field[]
const names = namesOf(fields)

it.each([
  ['level == "big"', 1], ['n >= 3 and level != "small"', 2], ['fee > 12345', 1], ['day < today() or day >= date("2026-01-31")', 2], ['who != "" && len(photos) == 0', 2],
  ['"x" in marks', 1], ['not ("x" in marks)', 1], ['not slot', 1], ['note contains "a and \\"b\\" or c"', 1], ['n1 == 2', 1], ['', 0],
])('reads %s', (text, count) => expect(read(text, names)?.clauses.length).toBe(count))

it.each(['n > 1 and n < 3 or n == 7', '(n > 1)', 'n + 1 > 2', 'days(day, today()) > 3', 'nothing == "a"', 'n == "3"', 'sum(rows, "a") > 1', 'level in ["big"]', 'n > 1 and (n < 3 or n == 7)'])('leaves %s to the expression', (text) => expect(read(text, names)).toBeUndefined())

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
