import { computed, onScopeDispose, reactive, ref, shallowRef, watch } from 'vue'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useAction, useQuery } from '@/base/query'
import { newKey } from '@/base/idempotency'
import { asProblem, type Problem } from '@/base/problem'
import type { Party } from '@/kernel/party/use-party-search'
import { useSession } from '@/kernel/session'
import { road } from '@/kernel/upload/road'
import { sendFile } from '@/kernel/upload/send'

/** One message of a thread. */
export type Message = components['schemas']['TalkMessage']

/** A file that goes with the message being written: on its way until it has an id. */
export interface Enclosure {
  key: number
  id: string
  name: string
  share: number // 0…1
  problem: Problem | null
}
/** Most files of one message, as the server takes them. */
export const mostFiles = 9

/** The files of the message being written, sent while it is written. */
function useEnclosures() {
  const all = ref<Enclosure[]>([])
  const stop = new AbortController()
  let keys = 0
  onScopeDispose(() => stop.abort())
  async function start(file: File) {
    const one = reactive<Enclosure>({ key: ++keys, id: '', name: file.name, share: 0, problem: null })
    all.value.push(one)
    try {
      one.id = await sendFile(file, file.name, road, { progress: (at) => (one.share = at.received / Math.max(1, at.size)), waiting: () => undefined }, stop.signal)
    } catch (thrown) {
      if (!stop.signal.aborted) one.problem = asProblem(thrown)
    }
  }
  return {
    all,
    ready: computed(() => all.value.every((one) => one.id)),
    add: (files: Iterable<File>) => [...files].slice(0, mostFiles - all.value.length).forEach((file) => void start(file)),
    drop: (key: number) => (all.value = all.value.filter((one) => one.key !== key)),
  }
}

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
  const files = useEnclosures()
  const sendable = computed(() => Boolean(text.value.trim() || files.all.value.length) && files.ready.value)
  let client = newKey() // of the message being written: sent twice, it is said once
  const send = useAction(async () => {
    await ask(api.POST('/api/talk/messages', { body: { ...where(), client, text: text.value.trim(), mentions: mentions.value.map((one) => one.id), files: files.all.value.map((one) => one.id) } }))
    client = newKey()
    text.value = ''
    mentions.value = []
    files.all.value = []
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
    newest, messages, more, text, mentions, files, sendable, send, earlier, recall,
    mine: (one: Message) => one.author === session.me?.person.id,
    readers: (id: string) => ask(api.GET('/api/talk/messages/{id}/readers', { params: { path: { id } } })),
  }
}
