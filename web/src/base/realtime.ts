import { onScopeDispose, readonly, ref, type Ref } from 'vue'
import type { Centrifuge, Subscription } from 'centrifuge'

type State = 'off' | 'connecting' | 'connected'

const state = ref<State>('off')
let opening: Promise<Centrifuge> | undefined

/** State of the realtime connection; 'off' until a page first listens. */
export const realtimeState: Readonly<Ref<State>> = readonly(state)

function address(): string {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
  return `${scheme}://${location.host}/realtime/connection/websocket`
}

/** Opens the connection on first use; the client library is loaded only then. The session cookie signs it in. */
async function client(): Promise<Centrifuge> {
  opening ??= import('centrifuge').then(({ Centrifuge }) => {
    const made = new Centrifuge(address())
    made.on('connecting', () => (state.value = 'connecting'))
    made.on('connected', () => (state.value = 'connected'))
    made.on('disconnected', () => (state.value = 'off'))
    made.connect()
    return made
  })
  return opening
}

/** Listens to what the server sends to this person on its own account (channels the server subscribes), until the component goes. */
export function useOwnChannel(heard: (data: unknown, channel: string) => void): void {
  let gone = false
  const onPublication = (e: { data: unknown; channel: string }) => heard(e.data, e.channel)
  void client().then((made) => !gone && made.on('publication', onPublication))
  onScopeDispose(() => {
    gone = true
    void opening?.then((made) => made.off('publication', onPublication))
  })
}

/** Subscribes to one channel until the component goes. recovered is called after a reconnect that could not fill the gap: reload then. */
export function useChannel(channel: string, heard: (data: unknown) => void, lost?: () => void): void {
  let subscription: Subscription | undefined
  let gone = false
  const listen = (made: Centrifuge) => {
    if (gone) return
    subscription = made.getSubscription(channel) ?? made.newSubscription(channel)
    subscription.on('publication', onPublication)
    subscription.on('subscribed', onSubscribed)
    subscription.subscribe()
  }
  const onPublication = (e: { data: unknown }) => heard(e.data)
  const onSubscribed = (e: { wasRecovering: boolean; recovered: boolean }) => {
    if (e.wasRecovering && !e.recovered) lost?.()
  }
  void client().then(listen)
  onScopeDispose(() => {
    gone = true
    if (!subscription) return
    subscription.off('publication', onPublication)
    subscription.off('subscribed', onSubscribed)
    if (subscription.listeners('publication').length === 0) subscription.unsubscribe()
  })
}

/** Closes the connection, at sign-out. */
export async function closeRealtime(): Promise<void> {
  const made = await opening
  opening = undefined
  made?.disconnect()
}
