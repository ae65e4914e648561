import { describe, expect, it } from 'vitest'
import { Problem } from '@/base/problem'
import { passing, pieceOf, sendFile, type Progress, type Report, type Road } from './send'

const mib = 1024 * 1024

/** A server that keeps chunks; fail is asked before each call and may throw. */
function server(fail: (call: string) => void = () => {}) {
  const kept: Blob[] = []
  const calls: string[] = []
  let size = 0
  const received = () => kept.reduce((sum, chunk) => sum + chunk.size, 0)
  const at = (): Progress => ({ id: 'u1', size, received: received(), chunk: 8 * mib })
  const note = (call: string) => {
    calls.push(call)
    fail(call)
  }
  const road: Road = {
    begin: async (_name, bytes) => (note('begin'), (size = bytes), at()),
    ask: async () => (note('ask'), at()),
    put: async (_id, offset, chunk) => {
      note(`put ${offset / mib}`)
      if (offset !== received()) throw new Problem(409, 'not in step')
      kept.push(chunk)
      return at()
    },
    done: async () => (note('done'), 'f1'),
    back: async () => void calls.push('back'),
  }
  return { road, calls, kept }
}
const quiet: Report = { progress: () => {}, waiting: () => {} }
const file = new Blob([new Uint8Array(3 * mib - 5)])
const never = new AbortController().signal

/** Throws what is due when the call comes for the first time. */
function once(due: Record<string, Problem>) {
  return (call: string) => {
    const thrown = due[call]
    delete due[call]
    if (thrown) throw thrown
  }
}

describe('sending a file', () => {
  it('goes chunk by chunk and gives the file', async () => {
    const s = server()
    const told: number[] = []
    expect(await sendFile(file, 'a.csv', s.road, { ...quiet, progress: (at) => told.push(at.received) }, never)).toBe('f1')
    expect(s.calls).toEqual(['begin', 'put 0', 'put 1', 'put 2', 'done'])
    expect(told).toEqual([0, mib, 2 * mib, 3 * mib - 5])
  })

  it('goes on where the server is after the network was cut', async () => {
    const s = server(once({ 'put 1': new Problem(0, ''), ask: new Problem(0, '') }))
    const waits: (number | null)[] = []
    expect(await sendFile(file, 'a.csv', s.road, { ...quiet, waiting: (p) => waits.push(p && p.status) }, never)).toBe('f1')
    expect(s.calls).toEqual(['begin', 'put 0', 'put 1', 'back', 'ask', 'back', 'ask', 'put 1', 'put 2', 'done'])
    expect(waits.filter((w) => w === 0)).toHaveLength(2)
    expect(waits.at(-1)).toBeNull()
    expect(s.kept).toHaveLength(3)
  })

  it('does not send a chunk twice whose answer was lost', async () => {
    const s = server()
    const put = s.road.put
    let lost = true
    s.road.put = async (...args) => {
      const answer = await put(...args)
      if (args[1] === mib && lost) {
        lost = false
        throw new Problem(0, '')
      }
      return answer
    }
    await sendFile(file, 'a.csv', s.road, quiet, never)
    expect(s.calls).toEqual(['begin', 'put 0', 'put 1', 'back', 'ask', 'put 2', 'done'])
  })

  it('goes on with an upload that was paused', async () => {
    const s = server()
    const stop = new AbortController()
    await expect(sendFile(file, 'a.csv', s.road, { ...quiet, progress: (at) => at.received > 0 && stop.abort() }, stop.signal).then(() => s.road.put('u1', 0, file, stop.signal))).rejects.toBeDefined()
    s.calls.length = 0
    await sendFile(file, 'a.csv', s.road, quiet, never, { id: 'u1', size: file.size, received: 0, chunk: 8 * mib })
    expect(s.calls[0]).toBe('ask')
    expect(s.calls.at(-1)).toBe('done')
  })

  it('stops at a refusal that does not pass, and at one that never ends', async () => {
    await expect(sendFile(file, 'a.csv', server(once({ begin: new Problem(413, 'too large') })).road, quiet, never)).rejects.toThrow('too large')
    const s = server((call) => {
      if (call.startsWith('put')) throw new Problem(409, 'never in step')
    })
    await expect(sendFile(file, 'a.csv', s.road, quiet, never)).rejects.toThrow('never in step')
  })

  it('cuts whole mebibytes, at most what the server takes', () => {
    expect([10, 150 * mib, 5000 * mib].map((size) => pieceOf(size, 8 * mib) / mib)).toEqual([1, 2, 8])
    expect([0, 409, 429, 503, 413, 404].map((status) => passing(new Problem(status, '')))).toEqual([true, true, true, true, false, false])
  })
})
