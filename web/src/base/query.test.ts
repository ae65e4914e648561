import { effectScope, nextTick, ref } from 'vue'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { apiEvents } from './api'
import { Problem } from './problem'
import { useAction, useQuery } from './query'
import { announce } from './topics'

vi.hoisted(() => vi.stubGlobal('location', { origin: 'http://localhost' }))

const settle = async () => {
  for (let i = 0; i < 6; i++) await nextTick()
}
let scope = effectScope()
beforeEach(() => {
  scope.stop()
  scope = effectScope()
})
const inScope = <T>(make: () => T): T => scope.run(make)!

describe('useQuery', () => {
  it('is loading at first, then holds the data', async () => {
    const q = inScope(() => useQuery(async () => 7))
    expect([q.loading.value, q.stale.value, q.data.value]).toEqual([true, false, undefined])
    await settle()
    expect([q.loading.value, q.data.value]).toEqual([false, 7])
  })
  it('keeps the old data while it reloads and when that fails', async () => {
    let answer: () => Promise<number> = async () => 1
    const q = inScope(() => useQuery(() => answer()))
    await settle()
    answer = async () => { throw new Problem(500, 'broken') }
    const again = q.reload()
    expect([q.stale.value, q.data.value]).toEqual([true, 1])
    await again
    expect([q.stale.value, q.data.value, q.error.value?.message]).toEqual([false, 1, 'broken'])
  })
  it('shows only the answer to the last question', async () => {
    const n = ref(1)
    const waiting: Record<number, (v: string) => void> = {}
    const q = inScope(() => useQuery(() => { const mine = n.value; return new Promise<string>((r) => (waiting[mine] = r)) }, [n]))
    n.value = 2
    await settle()
    waiting[2]!('second')
    waiting[1]!('first')
    await settle()
    expect(q.data.value).toBe('second')
  })
  it('aborts the request it no longer needs', async () => {
    const n = ref(1)
    const signals: AbortSignal[] = []
    inScope(() => useQuery((signal) => { signals.push(signal); return new Promise(() => {}) }, [n]))
    n.value = 2
    await settle()
    expect(signals.map((s) => s.aborted)).toEqual([true, false])
    scope.stop()
    expect(signals[1]!.aborted).toBe(true)
  })
  it('waits for its condition', async () => {
    const on = ref(false)
    const load = vi.fn(async () => 1)
    inScope(() => useQuery(load, [], { when: () => on.value }))
    await settle()
    expect(load).not.toHaveBeenCalled()
    on.value = true
    await settle()
    expect(load).toHaveBeenCalledOnce()
  })
  it('loads again when a topic is announced, and no more once its component is gone', async () => {
    const load = vi.fn(async () => 1)
    inScope(() => useQuery(load, [], { topics: ['visit'] }))
    await settle()
    announce('visit')
    announce('other')
    await settle()
    expect(load).toHaveBeenCalledTimes(2)
    scope.stop()
    announce('visit')
    expect(load).toHaveBeenCalledTimes(2)
  })
  it('loads again when the network is back after a lost answer', async () => {
    let fail = true
    const q = inScope(() => useQuery(async () => { if (fail) throw new Problem(0, ''); return 1 }))
    await settle()
    fail = false
    apiEvents.dispatchEvent(new Event('back'))
    await settle()
    expect([q.data.value, q.error.value]).toEqual([1, null])
  })
})

describe('useAction', () => {
  it('sends once for a double click', async () => {
    let done: () => void = () => {}
    const change = vi.fn(() => new Promise<void>((r) => (done = r)))
    const a = useAction(change)
    const first = a.run()
    void a.run()
    expect([change.mock.calls.length, a.busy.value]).toEqual([1, true])
    done()
    await first
    expect(a.busy.value).toBe(false)
  })
  it('keeps the failure for the form, and drops it at the next try', async () => {
    let fail = true
    const a = useAction(async () => { if (fail) throw new Problem(409, 'taken'); return 'ok' })
    expect(await a.run()).toBeUndefined()
    expect(a.error.value?.message).toBe('taken')
    fail = false
    expect(await a.run()).toBe('ok')
    expect(a.error.value).toBeNull()
  })
  it('does not call a cancelled change a failure', async () => {
    const a = useAction(async () => { throw new DOMException('stopped', 'AbortError') })
    await a.run()
    expect(a.error.value).toBeNull()
  })
})
