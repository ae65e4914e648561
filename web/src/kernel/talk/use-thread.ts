import { computed, ref, shallowRef, watch } from 'vue'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useAction, useQuery } from '@/base/query'
import { newKey } from '@/base/idempotency'
import type { Party } from '@/kernel/party/use-party-search'
import { useSession } from '@/kernel/session'

/** One message of a thread. */
export type Message = components['schemas']['TalkMessage']

/** The thread on one object of a room: its messages, live; saying something; how far others have read. */
export function useThread(room: string, object: () => string) {
  const session = useSession()
  const where = () => ({ room, object: object() })
  const newest = useQuery((signal) => ask(api.GET('/api/talk/threads', { params: { query: { ...where(), limit: 30 } }, signal })), [object], { topics: [`talk:${room}/${object()}`] })
  const older = shallowRef<Message[]>([])
  const cursor = ref<string>()
  const messages = computed(() => [...older.value, ...(newest.data.value?.items ?? [])].filter((one, i, all) => all.findIndex((other) => other.id === one.id) === i))
  const more = computed(() => (older.value.length ? cursor.value : newest.data.value?.next) ?? '')

  // What is before the reader's eyes is read; the server then tells the others.
  watch(newest.data, async (view) => {
    const last = view?.items?.at(-1)?.seq ?? 0
    if (!view || (last <= view.read && view.thread)) return
    await ask(api.POST('/api/talk/read', { body: { ...where(), seq: last } })).catch(() => undefined) // the next opening tells it
  })

  const text = ref('')
  const mentions = ref<Party[]>([])
  let client = newKey() // of the message being written: sent twice, it is said once
  const send = useAction(async () => {
    await ask(api.POST('/api/talk/messages', { body: { ...where(), client, text: text.value.trim(), mentions: mentions.value.map((one) => one.id) } }))
    client = newKey()
    text.value = ''
    mentions.value = []
    await newest.reload()
  })
  const earlier = useAction(async () => {
    const page = await ask(api.GET('/api/talk/threads', { params: { query: { ...where(), limit: 30, after: more.value } } }))
    older.value = [...(page.items ?? []), ...older.value]
    cursor.value = page.next
  })
  const recall = useAction(async (id: string) => {
    await ask(api.POST('/api/talk/messages/{id}/recall', { params: { path: { id } } }))
    await newest.reload()
  })
  return {
    newest, messages, more, text, mentions, send, earlier, recall,
    mine: (one: Message) => one.author === session.me?.person.id,
    readers: (id: string) => ask(api.GET('/api/talk/messages/{id}/readers', { params: { path: { id } } })),
  }
}
