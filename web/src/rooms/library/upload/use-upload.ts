import { computed, reactive, readonly, shallowRef, watch } from 'vue'
import { api, ask } from '@/base/api'
import { asProblem, type Problem } from '@/base/problem'
import { announce } from '@/base/topics'
import { useSession } from '@/kernel/session'
import { dropFresh, keepFresh } from '../load/fresh'
import { percent } from '../amounts'
import type { Load } from '../states'
import { passing, sendFile, type Progress } from '@/kernel/upload/send'
import { road } from '@/kernel/upload/road'

/** sending and waiting (for the network) go on by themselves; looking: the server reads the beginning of the file. */
export type UploadState = 'idle' | 'sending' | 'waiting' | 'paused' | 'looking' | 'failed'

// One upload at a time, outside any component: it goes on while other pages of the portal are opened.
const now = reactive({ state: 'idle' as UploadState, name: '', size: 0, sent: 0, speed: 0, replaces: '' })
const failure = shallowRef<Problem | null>(null)
const made = shallowRef<Load>()
let file: File | undefined
let known: Progress | undefined
let sent = '' // id of the file once all of it is there
let stop: AbortController | undefined
let watched = false

/** What one person uploads ends with his session. */
function watchPerson(): void {
  if (watched) return
  watched = true
  const session = useSession()
  watch(
    () => session.me?.person.id,
    () => {
      reset()
      made.value = undefined
      dropFresh()
    },
  )
}

/** Asks before the window is closed in the middle of an upload. */
function guard(event: BeforeUnloadEvent) {
  event.preventDefault()
}

function progress(at: Progress) {
  known = at
  const since = performance.now() - mark.time
  if (since > 800) {
    const fresh = ((at.received - mark.sent) / since) * 1000
    now.speed = now.speed > 0 ? now.speed * 0.6 + fresh * 0.4 : fresh
    mark = { time: performance.now(), sent: at.received }
  }
  now.sent = at.received
}
let mark = { time: 0, sent: 0 }

async function run(): Promise<void> {
  const mine = (stop = new AbortController())
  failure.value = null
  now.state = 'sending'
  mark = { time: performance.now(), sent: now.sent }
  window.addEventListener('beforeunload', guard)
  try {
    const waiting = (problem: Problem | null) => (now.state = problem ? 'waiting' : 'sending')
    sent ||= await sendFile(file!, now.name, road, { progress, waiting }, mine.signal, known)
    now.state = 'looking'
    const load = await ask(api.POST('/api/library/loads', { body: { fileId: sent, ...(now.replaces ? { dataset: now.replaces } : {}) } }))
    keepFresh(load)
    reset()
    made.value = load
    announce('library.loads')
  } catch (thrown) {
    if (mine.signal.aborted) return
    failure.value = asProblem(thrown)
    now.state = 'failed'
  } finally {
    window.removeEventListener('beforeunload', guard)
  }
}

function reset() {
  stop?.abort()
  file = undefined
  known = undefined
  sent = ''
  Object.assign(now, { state: 'idle', name: '', size: 0, sent: 0, speed: 0, replaces: '' })
}

/** The upload under way, shared by every page that shows it. */
export function useUpload() {
  return {
    now: readonly(now),
    failure,
    made,
    share: computed(() => percent(now.sent, now.size)),
    secondsLeft: computed(() => (now.speed > 0 ? (now.size - now.sent) / now.speed : 0)),
    start(chosen: File, replaces: string) {
      watchPerson()
      reset()
      made.value = undefined
      file = chosen
      Object.assign(now, { name: chosen.name, size: chosen.size, replaces })
      void run()
    },
    pause() {
      stop?.abort()
      now.state = 'paused'
    },
    resume: () => void run(),
    /** Whether the same file may go through when tried again. */
    mayRetry: computed(() => failure.value !== null && (passing(failure.value) || failure.value.status >= 500)),
    /** Gives the upload up; the server forgets what it has. */
    drop() {
      const id = sent ? undefined : known?.id
      reset()
      failure.value = null
      if (id) void api.DELETE('/api/file/uploads/{id}', { params: { path: { id } } }).catch(() => undefined) // it is swept after a day anyway
    },
  }
}
