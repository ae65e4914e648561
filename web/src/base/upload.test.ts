// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Problem } from './problem'
import { upload } from './upload'

class FakeRequest {
  static last: FakeRequest
  headers: Record<string, string> = {}
  upload: { onprogress?: (e: { lengthComputable: boolean; loaded: number; total: number }) => void } = {}
  onload?: () => void
  onerror?: () => void
  onabort?: () => void
  status = 0
  responseText = ''
  form?: FormData
  address = ''
  constructor() { FakeRequest.last = this }
  open(method: string, address: string) { this.address = `${method} ${address}` }
  setRequestHeader(name: string, value: string) { this.headers[name] = value }
  getResponseHeader() { return 'trace-1' }
  send(form: FormData) { this.form = form }
  abort() { this.onabort?.() }
  answer(status: number, text: string) {
    Object.assign(this, { status, responseText: text })
    this.onload?.()
  }
}
beforeEach(() => vi.stubGlobal('XMLHttpRequest', FakeRequest))
afterEach(() => vi.unstubAllGlobals())
const file = () => new File(['a,b\n'], '人口.csv')

it('sends the fields before the file, with our headers, and tells the progress', async () => {
  const shares: number[] = []
  const done = upload<{ id: string }>('/api/library/upload', file(), { fields: { table: 't1' }, key: 'k1', onProgress: (s) => shares.push(s) })
  const { last } = FakeRequest
  expect([last.address, last.headers['X-Qushu-Csrf'], last.headers['Idempotency-Key']]).toEqual(['POST /api/library/upload', '1', 'k1'])
  expect([...last.form!.keys()]).toEqual(['table', 'file'])
  last.upload.onprogress?.({ lengthComputable: true, loaded: 1, total: 4 })
  last.answer(200, '{"id":"u1"}')
  expect([await done, shares]).toEqual([{ id: 'u1' }, [0.25]])
})
it('fails with the words of the server', async () => {
  const done = upload('/api/x', file())
  FakeRequest.last.answer(413, '{"detail":"too large"}')
  const problem = await done.catch((p: Problem) => p)
  expect(problem).toMatchObject({ status: 413, message: 'too large', trace: 'trace-1' })
})
it('fails offline when the network is pulled', async () => {
  const done = upload('/api/x', file())
  FakeRequest.last.onerror?.()
  expect(await done.catch((p: Problem) => p.offline)).toBe(true)
})
it('stops when the person cancels', async () => {
  const stop = new AbortController()
  const done = upload('/api/x', file(), { signal: stop.signal })
  stop.abort()
  expect(await done.catch((e: DOMException) => e.name)).toBe('AbortError')
})
