import { expect, it } from 'vitest'
import { clock, overall, worstFirst, type Finding, type State } from './health'

const check = (name: string, state: State): Finding => ({ name, state, title: name, text: '' })
const some = [check('a', 'ok'), check('b', 'warn'), check('c', 'bad'), check('d', 'warn')]

it('puts the worst first and keeps the order else', () => expect(worstFirst(some).map((c) => c.name)).toEqual(['c', 'b', 'd', 'a']))

it.each([
  [some, 'bad', 1],
  [[some[0]!, some[1]!, some[3]!], 'warn', 2],
  [[some[0]!], 'ok', 1],
  [[], 'ok', 0],
])('says how all stand together: %o', (checks, state, count) => expect(overall(checks)).toEqual({ state, count }))

it.each([[0, '0:00'], [65_400, '1:05'], [720_000, '12:00'], [-5, '0:00']])('%d ms is %s', (ms, words) => expect(clock(ms)).toBe(words))
