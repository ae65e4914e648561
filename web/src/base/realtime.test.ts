// @vitest-environment jsdom
import { effectScope } from 'vue'
import { beforeEach, expect, it, vi } from 'vitest'
import { closeRealtime, realtimeState, useChannel, useOwnChannel } from './realtime'

const library = vi.hoisted(() => {
  class Emitter {
    heard = new Map<string, ((e: never) => void)[]>()
    on(name: string, f: (e: never) => void) { this.heard.set(name, [...(this.heard.get(name) ?? []), f]) }
    off(name: string, f: (e: never) => void) { this.heard.set(name, (this.heard.get(name) ?? []).filter((g) => g !== f)) }
    listeners(name: string) { return this.heard.get(name) ?? [] }
    emit(name: string, e: unknown) { for (const f of this.heard.get(name) ?? []) f(e as never) }
  }
  class Sub extends Emitter { subscribe = vi.fn(); unsubscribe = vi.fn() }
  const made: Centrifuge[] = []
  class Centrifuge extends Emitter {
    subs = new Map<string, Sub>()
    disconnect = vi.fn()
    constructor(readonly address: string) { super(); made.push(this) }
    connect() { this.emit('connected', {}) }
    getSubscription(name: string) { return this.subs.get(name) ?? null }
    newSubscription(name: string) { const sub = new Sub(); this.subs.set(name, sub); return sub }
  }
  return { made, Centrifuge }
})
vi.mock('centrifuge', () => ({ Centrifuge: library.Centrifuge }))

const ready = () => vi.waitFor(() => expect(realtimeState.value).toBe('connected'))
beforeEach(async () => {
  await closeRealtime()
  library.made.length = 0
})

it('opens one connection for all listeners, and stops listening with the component', async () => {
  const scope = effectScope()
  const own = vi.fn()
  const group = vi.fn()
  scope.run(() => {
    useOwnChannel(own)
    useChannel('desk:notices', group)
  })
  await ready()
  await vi.waitFor(() => expect(library.made[0]?.subs.size).toBe(1))
  const [client] = library.made
  expect([library.made.length, client!.address]).toEqual([1, 'ws://localhost:3000/realtime/connection/websocket'])
  client!.emit('publication', { channel: 'person:1', data: { n: 1 } })
  const sub = client!.subs.get('desk:notices')!
  sub.emit('publication', { data: 'hello' })
  expect([own.mock.calls, group.mock.calls]).toEqual([[[{ n: 1 }, 'person:1']], [['hello']]])
  scope.stop()
  expect(sub.unsubscribe).toHaveBeenCalledOnce()
  await vi.waitFor(() => expect(client!.listeners('publication')).toEqual([]))
})

it('tells when a gap could not be filled after a reconnect', async () => {
  const scope = effectScope()
  const lost = vi.fn()
  scope.run(() => useChannel('desk:notices', () => {}, lost))
  await vi.waitFor(() => expect(library.made[0]?.subs.size).toBe(1))
  const sub = library.made[0]!.subs.get('desk:notices')!
  sub.emit('subscribed', { wasRecovering: false, recovered: false })
  sub.emit('subscribed', { wasRecovering: true, recovered: true })
  expect(lost).not.toHaveBeenCalled()
  sub.emit('subscribed', { wasRecovering: true, recovered: false })
  expect(lost).toHaveBeenCalledOnce()
  scope.stop()
})
