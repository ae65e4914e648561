import { expect, it } from 'vitest'
import { remaining } from './clock'

const words = (key: string, args: unknown[]) => `${key}(${args.join()})`
const now = new Date('2023-06-01T01:00:00Z')

it.each([
  ['2023-06-03T02:00:00Z', 'kernel.case.left(kernel.case.unit.day(2))'],
  ['2023-06-01T04:30:00Z', 'kernel.case.left(kernel.case.unit.hour(3))'],
  ['2023-06-01T01:00:20Z', 'kernel.case.left(kernel.case.unit.minute(1))'],
  ['2023-06-01T00:15:00Z', 'kernel.case.over(kernel.case.unit.minute(45))'],
  ['2023-05-30T00:00:00Z', 'kernel.case.over(kernel.case.unit.day(2))'],
])('a limit at %s is %s', (due, said) => expect(remaining(due, words, now)).toBe(said))
