import { describe, expect, it } from 'vitest'
import { IdempotencyKeys, newKey } from './idempotency'

describe('IdempotencyKeys', () => {
  it('gives each request its own key', () => {
    const keys = new IdempotencyKeys()
    expect(keys.take('POST /a {}')).not.toBe(keys.take('POST /a {}'))
  })
  it('gives the same key to the retry of a request that got no answer', () => {
    const keys = new IdempotencyKeys()
    const key = keys.take('POST /a {}')
    keys.unanswered('POST /a {}', key)
    expect(keys.take('POST /a {}')).toBe(key)
    expect(keys.take('POST /a {"changed":true}')).not.toBe(key)
  })
  it('forgets the key once an answer came', () => {
    const keys = new IdempotencyKeys()
    const key = keys.take('POST /a {}')
    keys.unanswered('POST /a {}', key)
    keys.answered('POST /a {}')
    expect(keys.take('POST /a {}')).not.toBe(key)
  })
})

it('newKey is a version 4 UUID, also without crypto.randomUUID', () => {
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  expect(newKey()).toMatch(form)
  const whole = Object.getOwnPropertyDescriptor(globalThis, 'crypto')!
  Object.defineProperty(globalThis, 'crypto', { configurable: true, value: { getRandomValues: <T extends Uint8Array>(b: T) => b.fill(255) } })
  expect(newKey()).toMatch(form)
  Object.defineProperty(globalThis, 'crypto', whole)
})
