import { expect, it } from 'vitest'
import { freeKey, hoursOf, itemsOf, lines, moved, optionsOf, spanOf, tidy, withZh } from './model'
import { shownTexts } from './texts'

it('finds a key that is free', () => {
  expect(freeKey('f', [])).toBe('f1')
  expect(freeKey('f', ['f2'])).toBe('f3')
  expect(freeKey('f', ['f1', 'f3'])).toBe('f4')
})
it('keeps the key of an option whose title stays', () => {
  const before = [{ key: 'lake', title: { zh: '湖边', en: 'Lake' } }, { key: 'gate', title: { zh: '校门口' } }]
  expect(optionsOf('校门口\n\n  地铁口 \n湖边', before)).toEqual([before[1], { key: 'o3', title: { zh: '地铁口' } }, before[0]])
})
it('moves within the ends', () => {
  expect(moved([1, 2, 3], 0, -1)).toEqual([1, 2, 3])
  expect(moved([1, 2, 3], 0, 1)).toEqual([2, 1, 3])
})
it('takes out what is empty, deep inside', () => {
  expect(tidy({ a: '', b: [], c: { d: null }, e: [{ f: '', g: 0 }], h: false, i: 'x' })).toEqual({ e: [{ g: 0 }], i: 'x' })
})
it('changes the Chinese words and keeps the English', () => {
  expect(withZh({ zh: '旧', en: 'Old' }, '新')).toEqual({ zh: '新', en: 'Old' })
  expect(withZh('旧', '新')).toEqual({ zh: '新' })
})
it('says hours as people do, and back', () => {
  for (const hours of [-48, -24, -1.5, 0, 2, 24, 30, 72]) expect(hoursOf(spanOf(hours))).toBe(hours)
  expect(spanOf(-48)).toEqual({ n: 2, unit: 'day', before: true })
})
it('puts cells beside each other as far as they fit', () => {
  const widths = (all: { width?: string }[][]) => all.map((line) => line.map((cell) => cell.width ?? '').join('+')).join(' / ')
  expect(widths(lines([{ width: 'half' }, { width: 'half' }, { width: 'third' }, { width: 'third' }, { width: 'third' }, {}, { width: 'half' }, { width: 'full' }]))).toBe('half+half / third+third+third /  / half / full')
})
it('keeps what is known of a thing whose title stays', () => {
  expect(itemsOf('305\n306', [{ key: 'r305', title: '305', seats: 12 }])).toEqual([{ key: 'r305', title: '305', seats: 12 }, { key: 'o2', title: '306' }])
})
it('finds every text that people read, wherever it stands', () => {
  const draft = {
    key: 'x', title: { zh: '报修', en: 'Repair' }, summary: { zh: '' }, group: { zh: '后勤' }, subject: 'f', number: { prefix: 'X' }, list: { columns: [] },
    fields: [{ key: 'f', type: 'choice', title: { zh: '种类' }, options: [{ key: 'a', title: { zh: '水' } }] }], steps: [{ key: 's', title: { zh: '申请' }, outcomes: [{ key: 'y', title: { zh: '同意' } }] }],
  } as never
  expect(shownTexts(draft).map((one) => [one.path, one.words.zh, one.words.en ?? ''])).toEqual([
    ['title', '报修', 'Repair'], ['group', '后勤', ''], ['fields[0].title', '种类', ''], ['fields[0].options[0].title', '水', ''], ['steps[0].title', '申请', ''], ['steps[0].outcomes[0].title', '同意', ''],
  ])
})
