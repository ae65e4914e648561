import { computed, getCurrentScope, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef, type WatchSource } from 'vue'
import { apiEvents } from './api'
import { asProblem, type Problem } from './problem'
import { onTopic } from './topics'

/** Server state as a view needs it. Old data stays while new data is fetched and when fetching fails. */
export interface Query<T> {
  data: ShallowRef<T | undefined>
  error: ShallowRef<Problem | null>
  pending: Ref<boolean> // a request is under way
  loading: ComputedRef<boolean> // … and there is nothing to show yet
  stale: ComputedRef<boolean> // … and what is shown is the last answer: grey it, say 正在更新
  slow: Ref<boolean> // under way for more than 8 s: say what is waited for and offer cancel()
  reload: () => Promise<void>
  cancel: () => void
}

/** When to load besides at the start and when a dependency changes. */
export interface QueryOptions {
  when?: () => boolean // load only while this holds
  topics?: string[] // load again when one is announced
  every?: number // milliseconds, skipped while the page is hidden. Every request counts as use of the session: prefer topics
}

const slowAfter = 8000

/** Loads server state and loads it again when a dependency changes. Must be called in setup. */
export function useQuery<T>(load: (signal: AbortSignal) => Promise<T>, deps: WatchSource[] = [], options: QueryOptions = {}): Query<T> {
  const data = shallowRef<T>()
  const error = shallowRef<Problem | null>(null)
  const pending = ref(false)
  const slow = ref(false)
  let current: AbortController | undefined

  async function reload(): Promise<void> {
    current?.abort()
    if (options.when && !options.when()) return
    const mine = new AbortController()
    current = mine
    pending.value = true
    slow.value = false
    const timer = setTimeout(() => (slow.value = true), slowAfter)
    try {
      const answer = await load(mine.signal)
      if (current !== mine) return
      data.value = answer
      error.value = null
    } catch (thrown) {
      if (current === mine && !mine.signal.aborted) error.value = asProblem(thrown)
    } finally {
      clearTimeout(timer)
      if (current === mine) {
        pending.value = false
        slow.value = false
      }
    }
  }

  function cancel(): void {
    current?.abort()
    pending.value = false
    slow.value = false
  }

  listen(reload, error, options)
  if (getCurrentScope()) onScopeDispose(cancel)
  watch(deps.concat(options.when ? [options.when] : []), () => void reload())
  void reload()
  return {
    data,
    error,
    pending,
    slow,
    reload,
    cancel,
    loading: computed(() => pending.value && data.value === undefined),
    stale: computed(() => pending.value && data.value !== undefined),
  }
}

/** Topics, the clock, and the network's return each start a reload. */
function listen(reload: () => Promise<void>, error: ShallowRef<Problem | null>, options: QueryOptions): void {
  for (const topic of options.topics ?? []) onTopic(topic, () => void reload())
  const back = () => {
    if (error.value?.offline) void reload()
  }
  apiEvents.addEventListener('back', back)
  const timer = options.every ? setInterval(() => document.hidden || void reload(), options.every) : undefined
  if (!getCurrentScope()) return
  onScopeDispose(() => {
    apiEvents.removeEventListener('back', back)
    clearInterval(timer)
  })
}

/** A change in progress. */
export interface Action<A extends unknown[], T> {
  run: (...args: A) => Promise<T | undefined> // undefined when it failed or one was already under way
  busy: Ref<boolean> // show 提交中 and keep the button from a second click
  error: ShallowRef<Problem | null>
  clear: () => void
}

/** Wraps a change so that a double click sends once and a failure is kept for the form to show.
 *  What follows success (a toast, another page) belongs inside change, after its await. */
export function useAction<A extends unknown[], T>(change: (...args: A) => Promise<T>): Action<A, T> {
  const busy = ref(false)
  const error = shallowRef<Problem | null>(null)
  async function run(...args: A): Promise<T | undefined> {
    if (busy.value) return undefined
    busy.value = true
    error.value = null
    try {
      return await change(...args)
    } catch (thrown) {
      const cancelled = thrown instanceof DOMException && thrown.name === 'AbortError'
      error.value = cancelled ? null : asProblem(thrown)
      return undefined
    } finally {
      busy.value = false
    }
  }
  return { run, busy, error, clear: () => (error.value = null) }
}
