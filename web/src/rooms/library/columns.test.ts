import { expect, it } from 'vitest'
import { checkable, classify, levelAllowed, maskedByRule, readType, setKind, setLevel, sureness, writeType, type Column } from './columns'

const column = (more: Partial<Column> = {}): Column => ({ at: 0, name: 'c', title: 'c', type: 'integer', level: 'L2', ...more })

it('reads and writes the types of the warehouse', () => {
  expect(readType('decimal(18,4)')).toEqual({ name: 'decimal', digits: 18, scale: 4 })
  expect(readType('text').name).toBe('text')
  expect(readType('nonsense(').name).toBe('text')
  expect(writeType('decimal', 18, 4)).toBe('decimal(18,4)')
  expect(writeType('decimal', 3, 6)).toBe('decimal(7,6)')
  expect(writeType('date')).toBe('date')
})

it('classifies a kind as the server does', () => {
  expect(classify('')).toEqual({ level: 'L2', masked: false })
  expect(classify('uscc')).toEqual({ level: 'L1', masked: false })
  expect(classify('address')).toEqual({ level: 'L3', masked: true })
})

it('makes text of numbers that name somebody, and takes strictness off what has no shape', () => {
  const id = column()
  setKind(id, 'id')
  expect(id).toMatchObject({ kind: 'id', type: 'text', level: 'L3', masked: true })
  const birth = column({ type: 'date' })
  setKind(birth, 'birth')
  expect(birth.type).toBe('date')
  const none = column({ kind: 'mobile', strict: true, masked: true, level: 'L3' })
  setKind(none, '')
  expect(none).toMatchObject({ strict: false, masked: false, level: 'L2' })
})

it('masks from L3 on and keeps guarded kinds closed', () => {
  const plain = column()
  setLevel(plain, 'L3')
  expect(plain.masked).toBe(true)
  expect([maskedByRule(plain), maskedByRule(column()), maskedByRule({ kind: 'mobile', level: 'L2' })]).toEqual([true, false, true])
  expect([levelAllowed('id', 'L2'), levelAllowed('id', 'L3'), levelAllowed('name', 'L1')]).toEqual([false, true, true])
})

it('says how sure it is in words', () => {
  expect([undefined, 0, 0.3, 0.6, 0.95].map(sureness)).toEqual(['', '', 'low', 'fair', 'high'])
  expect([checkable('id'), checkable('name'), checkable(undefined)]).toEqual([true, false, false])
})
