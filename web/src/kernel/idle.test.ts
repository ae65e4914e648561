// @vitest-environment jsdom
import { effectScope } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { secondsLeft, useIdle } from './idle'

const minute = 60_000
const limit = 30 * minute

describe('secondsLeft', () => {
  it.each([
    [0, 0, null],
    [0, 28 * minute - 1, null],
    [0, 28 * minute, 120],
    [0, 29 * minute, 60],
    [0, 30 * minute, 0],
    [0, 90 * minute, 0], // the computer slept
  ])('used at %d, now %d: %s', (used, now, left) => expect(secondsLeft(used, now, limit)).toBe(left))
})

describe('useIdle', () => {
  const tabs: { onmessage?: () => void }[] = []
  class Tab {
    onmessage?: () => void
    constructor() { tabs.push(this) }
    postMessage() { for (const tab of tabs) if (tab !== this) tab.onmessage?.() }
    close() { tabs.splice(tabs.indexOf(this), 1) }
  }
  const scope = { stop: () => {} }
  const open = () => {
    const deeds = { alive: vi.fn(), ended: vi.fn() }
    const inner = effectScope()
    scope.stop = () => inner.stop()
    return { ...deeds, ...inner.run(() => useIdle(() => limit, deeds))! }
  }
  beforeEach(() => {
    vi.stubGlobal('BroadcastChannel', Tab)
    vi.useFakeTimers()
  })
  afterEach(() => {
    scope.stop()
    vi.useRealTimers()
  })

  it('warns two minutes before the end, then ends', () => {
    const idle = open()
    vi.advanceTimersByTime(28 * minute)
    expect(idle.secondsLeft.value).toBe(120)
    vi.advanceTimersByTime(2 * minute)
    expect([idle.secondsLeft.value, idle.ended.mock.calls.length]).toEqual([0, 1])
  })
  it('starts over with every deed, but once it warns only with stay()', () => {
    const idle = open()
    vi.advanceTimersByTime(27 * minute)
    window.dispatchEvent(new Event('keydown'))
    vi.advanceTimersByTime(27 * minute)
    expect(idle.secondsLeft.value).toBeNull()
    vi.advanceTimersByTime(minute)
    window.dispatchEvent(new Event('keydown'))
    vi.advanceTimersByTime(1000)
    expect(idle.secondsLeft.value).toBe(119)
    idle.stay()
    vi.advanceTimersByTime(1000)
    expect(idle.secondsLeft.value).toBeNull()
  })
  it('counts work in another tab', () => {
    const idle = open()
    vi.advanceTimersByTime(29 * minute)
    expect(idle.secondsLeft.value).toBe(60)
    tabs[0]!.onmessage?.()
    expect(idle.secondsLeft.value).toBeNull()
    vi.advanceTimersByTime(27 * minute)
    expect(idle.ended).not.toHaveBeenCalled()
  })
  it('tells the server of work it cannot see, and not of none', () => {
    const idle = open()
    vi.advanceTimersByTime(20 * minute)
    expect(idle.alive).not.toHaveBeenCalled()
    for (let i = 0; i < 13; i++) {
      window.dispatchEvent(new Event('pointerdown'))
      vi.advanceTimersByTime(minute)
    }
    expect(idle.alive).toHaveBeenCalledTimes(2)
  })
})
