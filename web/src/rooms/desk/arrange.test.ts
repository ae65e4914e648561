import { expect, it } from 'vitest'
import { placed, stepped, toggled } from './arrange'

const pins = ['/a', '/b', '/c']

it('pins at the end and takes away', () => {
  expect(toggled(pins, '/d')).toEqual(['/a', '/b', '/c', '/d'])
  expect(toggled(pins, '/b')).toEqual(['/a', '/c'])
})

it('moves by steps and stops at the ends', () => {
  expect(stepped(pins, '/b', 1)).toEqual(['/a', '/c', '/b'])
  expect(stepped(pins, '/b', -1)).toEqual(['/b', '/a', '/c'])
  expect(stepped(pins, '/a', -1)).toEqual(pins)
  expect(stepped(pins, '/x', 1)).toEqual(pins)
})

it('puts one where it is dragged', () => {
  expect(placed(pins, '/a', 2)).toEqual(['/b', '/c', '/a'])
  expect(placed(pins, '/c', 0)).toEqual(['/c', '/a', '/b'])
  expect(placed(pins, '/c', 7)).toEqual(pins)
})
