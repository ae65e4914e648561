import { beforeAll, describe, expect, it } from 'vitest'
import { i18n } from './i18n'
import zh from './text/zh.json'
import en from './text/en.json'
import { deadline, duration, exactDate, exactTime, shortTime } from './time'

const now = new Date('2023-11-23T09:30:00Z') // 17:30 in the district
beforeAll(() => {
  i18n.global.mergeLocaleMessage('zh-CN', zh)
  i18n.global.mergeLocaleMessage('en', en)
})

describe('shortTime, in civil time +08:00', () => {
  it.each([
    ['2023-11-23T00:05:00Z', '今天 08:05'],
    ['2023-11-22T16:00:00Z', '今天 00:00'],
    ['2023-11-22T15:59:00Z', '昨天 23:59'],
    ['2023-11-24T01:00:00Z', '明天 09:00'],
    ['2023-11-20T01:00:00Z', '11月20日 09:00'],
    ['2022-12-31T15:59:00Z', '2022年12月31日'],
    ['2022-12-31T16:00:00Z', '1月1日 00:00'],
    ['nonsense', ''],
  ])('%s → %s', (at, words) => expect(shortTime(at, now)).toBe(words))
})

describe('exactTime', () => {
  it('keeps the seconds', () => expect(exactTime('2023-11-23T09:30:05Z')).toBe('2023-11-23 17:30:05'))
  it('gives the civil date', () => expect(exactDate('2023-11-22T16:00:00Z')).toBe('2023-11-23'))
})

describe('duration', () => {
  it.each([
    [30_000, '不到 1 分钟'],
    [12 * 60_000, '12 分钟'],
    [2 * 3_600_000, '2 小时'],
    [2.5 * 3_600_000, '2 小时 30 分钟'],
    [5.5 * 3_600_000, '5 小时'],
    [27 * 3_600_000, '1 天 3 小时'],
  ])('%d ms → %s', (ms, words) => expect(duration(ms)).toBe(words))
})

describe('deadline', () => {
  it.each([
    ['2023-11-23T07:30:00Z', '已超时 2 小时', 'late'],
    ['2023-11-23T10:00:00Z', '剩 30 分钟', 'soon'],
    ['2023-11-25T09:30:00Z', '剩 2 天', 'far'],
  ])('%s → %s', (due, words, state) => expect(deadline(due, now)).toEqual({ words, state }))
  it('speaks English with its plurals', () => {
    i18n.global.locale.value = 'en'
    expect(deadline('2023-11-23T07:30:00Z', now).words).toBe('2 hours overdue')
    expect(deadline('2023-11-23T10:31:00Z', now).words).toBe('1 hour 1 minute left')
    i18n.global.locale.value = 'zh-CN'
  })
})
