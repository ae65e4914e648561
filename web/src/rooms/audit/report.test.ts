import { describe, expect, it } from 'vitest'
import { faultsOf, percentOf, placesOf, type Check } from './report'

const place = (fault: string, seq: number) => ({ fault, seq, to: seq }) as NonNullable<Check['report']>['places'][number]
const check = (change: Partial<Check>): Check => ({ id: 'c', person: '', at: null, endedAt: null, state: 'running', done: 0, total: 0, words: [], ...change })
const broken = check({
  state: 'broken',
  words: ['三处问题', '第 3 条被改动', '第 5 条不见了', '第 9 条被改动', '另有 2 处'],
  report: { places: [place('altered', 3), place('missing', 5), place('altered', 9)] } as Check['report'],
})

describe('percentOf', () => {
  it.each([[0, 0, undefined], [0, 100, undefined], [25, 100, 25], [999, 1000, 99], [120, 100, 100]])('%d of %d → %s', (done, total, share) => expect(percentOf(check({ done, total }))).toBe(share))
})

it('names each kind of damage once', () => expect(faultsOf(broken)).toEqual(['altered', 'missing']))

it('gives every place its sentence', () =>
  expect(placesOf(broken)).toEqual([
    { fault: 'altered', seq: 3, words: '第 3 条被改动' },
    { fault: 'missing', seq: 5, words: '第 5 条不见了' },
    { fault: 'altered', seq: 9, words: '第 9 条被改动' },
  ]))

it('knows of no damage without a report', () => expect([faultsOf(check({})), placesOf(check({}))]).toEqual([[], []]))
