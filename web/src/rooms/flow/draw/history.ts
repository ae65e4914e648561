/** What was drawn before and what was taken back. Changes of one tag that follow each other (typing a name) are one step. */
export interface History<T> {
  past: T[]
  now: T
  future: T[]
  tag: string
}

const most = 100

export const begin = <T>(now: T): History<T> => ({ past: [], now, future: [], tag: '' })

export function record<T>(h: History<T>, next: T, tag = ''): History<T> {
  if (next === h.now) return h
  const goesOn = tag !== '' && tag === h.tag
  return { past: goesOn ? h.past : [...h.past, h.now].slice(-most), now: next, future: [], tag }
}
export function undo<T>(h: History<T>): History<T> {
  const before = h.past.at(-1)
  return before === undefined ? h : { past: h.past.slice(0, -1), now: before, future: [h.now, ...h.future], tag: '' }
}
export function redo<T>(h: History<T>): History<T> {
  const [next, ...future] = h.future
  return next === undefined ? h : { past: [...h.past, h.now], now: next, future, tag: '' }
}
