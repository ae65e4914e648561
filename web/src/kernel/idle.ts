import { onScopeDispose, readonly, ref, type Ref } from 'vue'

/** What the person is told about an unused session. */
export interface Idle {
  secondsLeft: Readonly<Ref<number | null>> // null until the warning is due
  stay: () => void
}

/** Milliseconds before the end at which the warning appears. */
export const warnBefore = 120_000
const deeds = ['pointerdown', 'keydown', 'wheel', 'touchstart'] as const

/** Seconds left of a session that was last used at `used`, null while the warning is not due. Times in milliseconds. */
export function secondsLeft(used: number, now: number, limit: number): number | null {
  const left = used + limit - now
  return left > warnBefore ? null : Math.max(0, Math.ceil(left / 1000))
}

/** Counts how long nobody touched the page, and calls ended when the server will have closed the session.
 *  Once the warning shows, only stay() counts as a deed: the person must see it. limit in milliseconds. */
export function useIdle(limit: () => number, ended: () => void): Idle {
  const left = ref<number | null>(null)
  let used = Date.now()
  const touch = () => {
    if (left.value === null) used = Date.now()
  }
  const tick = () => {
    left.value = secondsLeft(used, Date.now(), limit())
    if (left.value === 0) {
      clearInterval(timer)
      ended()
    }
  }
  const timer = setInterval(tick, 1000)
  for (const deed of deeds) window.addEventListener(deed, touch, { passive: true })
  onScopeDispose(() => {
    clearInterval(timer)
    for (const deed of deeds) window.removeEventListener(deed, touch)
  })
  return {
    secondsLeft: readonly(left),
    stay: () => {
      used = Date.now()
      left.value = null
    },
  }
}
