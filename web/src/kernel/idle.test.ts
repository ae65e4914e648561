import { expect, it } from 'vitest'
import { secondsLeft } from './idle'

const limit = 30 * 60_000
it.each([
  [0, 0, null],
  [0, 28 * 60_000 - 1, null],
  [0, 28 * 60_000, 120],
  [0, 29 * 60_000, 60],
  [0, 30 * 60_000, 0],
  [0, 90 * 60_000, 0], // the computer slept
])('used at %d, now %d: %s', (used, now, left) => expect(secondsLeft(used, now, limit)).toBe(left))
