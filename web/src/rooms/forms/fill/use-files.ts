import { onScopeDispose, reactive } from 'vue'
import { asProblem, type Problem } from '@/base/problem'
import { road } from '@/kernel/upload/road'
import { sendFile } from '@/kernel/upload/send'
import type { Attached } from '../model'
import { position, shrink } from './photo'

/** One file on its way. */
export interface Sending {
  key: number
  name: string
  share: number // 0…1
  waiting: boolean // for the network
  problem: Problem | null
}

let keys = 0

/** Sends files one after another and hands each over when the server has it. What was sent is shown from memory: the server
 *  gives a file only once an entry holds it. */
export function useFiles(photo: boolean, done: (file: Attached) => void, working: (change: number) => void) {
  const sending = reactive<Sending[]>([])
  const previews = reactive(new Map<string, string>())
  const files = new Map<number, File>()
  const stop = new AbortController()
  let queue = Promise.resolve()
  onScopeDispose(() => {
    stop.abort()
    for (const url of previews.values()) URL.revokeObjectURL(url)
  })

  async function send(key: number): Promise<void> {
    const one = sending.find((s) => s.key === key)
    const file = files.get(key)
    if (!one || !file) return
    one.problem = null
    working(1)
    try {
      const [small, where] = photo ? await Promise.all([shrink(file), position()]) : [file, undefined]
      const report = { progress: (at: { received: number; size: number }) => (one.share = at.received / at.size), waiting: (problem: Problem | null) => (one.waiting = problem !== null) }
      const id = await sendFile(small, small.name, road, report, stop.signal)
      if (photo) previews.set(id, URL.createObjectURL(small))
      drop(key)
      done({ id, name: small.name, ...(photo ? { at: new Date(file.lastModified || Date.now()).toISOString(), ...where } : {}) })
    } catch (thrown) {
      if (!stop.signal.aborted) one.problem = asProblem(thrown)
    } finally {
      working(-1)
    }
  }
  function drop(key: number) {
    files.delete(key)
    const at = sending.findIndex((one) => one.key === key)
    if (at >= 0) sending.splice(at, 1)
  }
  const start = (key: number) => (queue = queue.then(() => send(key)))
  return {
    sending, previews, drop, again: start,
    add(all: Iterable<File>) {
      for (const file of all) {
        const key = ++keys
        files.set(key, file)
        sending.push({ key, name: file.name, share: 0, waiting: false, problem: null })
        void start(key)
      }
    },
  }
}
