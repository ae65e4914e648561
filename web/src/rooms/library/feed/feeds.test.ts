import { expect, it } from 'vitest'
import type { LoadItem } from '../states'
import { bars, decided, feedLook, successors, usualChoice, waysOf, type Change } from './feeds'

const changes: Change[] = [
  { what: 'renamed', header: 'phone', to: 'mobile' },
  { what: 'removed', header: 'fax' },
  { what: 'added', header: 'email' },
  { what: 'retyped', header: 'pay', was: 'integer', is: 'decimal(12,2)' },
]

it('proposes what loses nothing', () => {
  expect(changes.map((one) => usualChoice(one).do)).toEqual(['map', 'empty', 'take', 'retype'])
  for (const one of changes) expect(waysOf(one)).toContain(usualChoice(one).do)
})

it('lets two lost columns not go on under one name', () => {
  const chosen = changes.map(usualChoice)
  expect(successors(changes[1]!, changes, chosen)).toEqual(['email'])
  expect(successors(changes[0]!, changes, chosen)).toEqual(['mobile', 'email'])
})

it('takes a column whose guessed ancestor is told another way', () => {
  const chosen = changes.map(usualChoice)
  expect(decided(changes, chosen)).toHaveLength(4)
  chosen[0]!.do = 'empty'
  expect(decided(changes, chosen)).toContainEqual({ header: 'mobile', do: 'take' })
})

it('shows first what wants somebody', () => {
  expect(feedLook({ state: 'on', running: false, fails: 2, late: true }).word).toBe('failing')
  expect(feedLook({ state: 'decide', running: false, fails: 2, late: true }).word).toBe('decide')
  expect(feedLook({ state: 'on', running: false, fails: 0, late: false }).word).toBe('on')
})

it('draws failed runs as high as the highest', () => {
  const run = (state: string, rows: number) => ({ state, rows, outcome: {} }) as LoadItem
  expect(bars([run('running', 5), run('failed', 0), run('done', 50), run('done', 100)]).map((bar) => bar.height)).toEqual([100, 50, 100])
})
