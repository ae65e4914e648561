import { expect, it } from 'vitest'
import { freeKey, moved, optionsOf, tidy, withZh } from './model'

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
