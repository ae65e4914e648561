import { onScopeDispose, readonly, ref, type Ref } from 'vue'

/** What the person is told about an unused session. */
export interface Idle {
  secondsLeft: Readonly<Ref<number | null>> // null until the warning is due
  stay: () => void
}

/** What the counting leads to. */
export interface IdleDeeds {
  alive: () => void // the person works on this page: tell the server, which sees only requests
  ended: () => void // the server will have closed the session
}

/** Milliseconds before the end at which the warning appears. */
export const warnBefore = 120_000
const deeds = ['pointerdown', 'keydown', 'wheel', 'touchstart'] as const
const tellOthers = 5000 // milliseconds between two words to the other tabs

/** Seconds left of a session that was last used at `used`, null while the warning is not due. Times in milliseconds. */
export function secondsLeft(used: number, now: number, limit: number): number | null {
  const left = used + limit - now
  return left > warnBefore ? null : Math.max(0, Math.ceil(left / 1000))
}

/** Counts how long nobody touched the program, in any tab. Once the warning shows, only stay() counts as a deed here: the
 *  person must see it. limit in milliseconds. */
export function useIdle(limit: () => number, { alive, ended }: IdleDeeds): Idle {
  const left = ref<number | null>(null)
  const others = new BroadcastChannel('qushu.used')
  let used = Date.now() // by anybody's hand, in any tab
  let told = used // when the other tabs heard of it
  let reported = used // when the server heard of it

  function use(): void {
    used = Date.now()
    if (used - told < tellOthers) return
    told = used
    others.postMessage(used)
  }
  const touch = () => {
    if (left.value === null) use()
  }
  others.onmessage = () => {
    used = Date.now()
    left.value = null
  }
  const tick = () => {
    left.value = secondsLeft(used, Date.now(), limit())
    if (left.value === 0) {
      clearInterval(timer)
      ended()
    } else if (used - reported > limit() / 5) {
      reported = Date.now()
      alive()
    }
  }
  const timer = setInterval(tick, 1000)
  for (const deed of deeds) window.addEventListener(deed, touch, { passive: true })
  onScopeDispose(() => {
    clearInterval(timer)
    others.close()
    for (const deed of deeds) window.removeEventListener(deed, touch)
  })
  return {
    secondsLeft: readonly(left),
    stay: () => {
      left.value = null
      told = 0
      reported = 0
      use()
    },
  }
}
