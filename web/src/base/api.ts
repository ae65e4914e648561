import createClient from 'openapi-fetch'
import type { paths } from '@/api.gen'
import { IdempotencyKeys } from './idempotency'
import { Problem, problemOf, type ProblemBody } from './problem'

/** Tells the shell what every request learns: 'unsigned' (the session ended), 'lost' (no answer came), 'answered'. */
export const apiEvents = new EventTarget()

const keys = new IdempotencyKeys()
const changing = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** Sends a request with our headers and throws a Problem for every answer that is not 2xx. */
export async function guardedFetch(request: Request): Promise<Response> {
  request.headers.set('Accept-Language', document.documentElement.lang || 'zh-CN')
  const content = changing.has(request.method) ? await sign(request) : ''
  const key = request.headers.get('Idempotency-Key') ?? ''
  let response: Response
  try {
    response = await fetch(request)
  } catch (thrown) {
    if (request.signal.aborted) throw thrown
    if (content) keys.unanswered(content, key)
    apiEvents.dispatchEvent(new Event('lost'))
    throw new Problem(0, '')
  }
  if (content) keys.answered(content)
  apiEvents.dispatchEvent(new Event('answered'))
  if (response.ok) return response
  throw await problemFrom(response)
}

/** Adds what the server asks of a change: a custom header no other origin can set, and a key that makes a retry safe. */
async function sign(request: Request): Promise<string> {
  const isJson = request.headers.get('Content-Type')?.includes('json') ?? false
  const body = isJson ? await request.clone().text() : ''
  const content = `${request.method} ${request.url} ${body}`
  request.headers.set('X-Qushu-Csrf', '1')
  if (!request.headers.has('Idempotency-Key')) request.headers.set('Idempotency-Key', keys.take(content))
  return content
}

async function problemFrom(response: Response): Promise<Problem> {
  if (response.status === 401) apiEvents.dispatchEvent(new Event('unsigned'))
  const isJson = response.headers.get('Content-Type')?.includes('json') ?? false
  const body = isJson ? ((await response.json().catch(() => null)) as ProblemBody | null) : null
  return problemOf(response.status, body, response.headers.get('X-Trace-Id') ?? '')
}

/** The typed client over the server's OpenAPI document. Wrap each call in ask(). */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: guardedFetch })

/** The body of a typed call: `const me = await ask(api.GET('/api/identity/me'))`. Throws a Problem. */
export async function ask<T>(call: Promise<{ data?: T }>): Promise<T> {
  const { data } = await call
  return data as T
}

/** What a raw call may carry. */
export interface RawCall {
  query?: Record<string, string | number | boolean | undefined>
  body?: unknown
  signal?: AbortSignal
}

/** A call to a route that is not in the OpenAPI document. Empty query values are left out. Throws a Problem. */
export async function send<T>(method: string, path: string, call: RawCall = {}): Promise<T> {
  const url = new URL(path, location.origin)
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined && value !== '') url.searchParams.set(name, String(value))
  }
  const init: RequestInit = { method, signal: call.signal }
  if (call.body !== undefined) {
    init.body = JSON.stringify(call.body)
    init.headers = { 'Content-Type': 'application/json' }
  }
  const response = await guardedFetch(new Request(url, init))
  const isJson = response.headers.get('Content-Type')?.includes('json') ?? false
  return (isJson ? await response.json() : undefined) as T
}
