// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { apiEvents, guardedFetch, send } from './api'
import type { Problem } from './problem'

const answer = (status: number, body?: unknown, headers: Record<string, string> = {}) =>
  new Response(body === undefined ? null : JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } })

const fetched = vi.fn<(request: Request) => Promise<Response>>()
const failure = async (call: Promise<unknown>): Promise<Problem> => call.then(() => { throw new Error('no failure') }, (p: Problem) => p)

beforeEach(() => {
  vi.stubGlobal('fetch', fetched)
  document.documentElement.lang = 'en'
})
afterEach(() => fetched.mockReset())

describe('guardedFetch', () => {
  it('asks in the language of the page and adds nothing else to a read', async () => {
    fetched.mockResolvedValue(answer(200, {}))
    await send('GET', '/api/x', { query: { q: '洪山', empty: '' } })
    const request = fetched.mock.calls[0]![0]
    expect(new URL(request.url).search).toBe('?q=%E6%B4%AA%E5%B1%B1')
    expect([request.headers.get('Accept-Language'), request.headers.get('X-Qushu-Csrf'), request.headers.get('Idempotency-Key')]).toEqual(['en', null, null])
  })
  it('marks a change and gives it a key', async () => {
    fetched.mockImplementation(async () => answer(200, {}))
    await send('POST', '/api/x', { body: { a: 1 } })
    await send('POST', '/api/x', { body: { a: 1 } })
    const [one, two] = fetched.mock.calls.map(([request]) => request.headers)
    expect(one!.get('X-Qushu-Csrf')).toBe('1')
    expect(one!.get('Idempotency-Key')).not.toBe(two!.get('Idempotency-Key'))
  })
  it('retries with the same key after no answer came', async () => {
    fetched.mockRejectedValueOnce(new TypeError('Failed to fetch')).mockResolvedValue(answer(200, {}))
    const lost = vi.fn()
    apiEvents.addEventListener('lost', lost, { once: true })
    const problem = await failure(send('POST', '/api/retry', { body: { a: 1 } }))
    await send('POST', '/api/retry', { body: { a: 1 } })
    expect([problem.offline, lost.mock.calls.length]).toEqual([true, 1])
    const [one, two] = fetched.mock.calls.map(([request]) => request.headers.get('Idempotency-Key'))
    expect(two).toBe(one)
  })
  it('throws the problem of a refusal', async () => {
    fetched.mockResolvedValue(answer(409, { detail: 'changed by someone' }, { 'X-Trace-Id': 'abc' }))
    const problem = await failure(send('PUT', '/api/x', { body: {} }))
    expect([problem.status, problem.message, problem.trace]).toEqual([409, 'changed by someone', 'abc'])
  })
  it('tells that the session has ended', async () => {
    const unsigned = vi.fn()
    apiEvents.addEventListener('unsigned', unsigned, { once: true })
    fetched.mockResolvedValue(answer(401, {}))
    await failure(send('GET', '/api/x'))
    expect(unsigned).toHaveBeenCalledOnce()
  })
  it('passes an abort on as it is', async () => {
    fetched.mockRejectedValue(new DOMException('stopped', 'AbortError'))
    const stop = new AbortController()
    stop.abort()
    const thrown = await guardedFetch(new Request('http://localhost/api/x', { signal: stop.signal })).catch((e: unknown) => e)
    expect((thrown as DOMException).name).toBe('AbortError')
  })
})
