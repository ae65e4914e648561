/** Chooses the Idempotency-Key of a changing request. The key of a request that got no answer is used again when the same
 *  request is sent again, so a retry after a lost connection never files a thing twice. */
export class IdempotencyKeys {
  readonly #unanswered = new Map<string, string>()

  /** The key for one request. content is its method, address and body. */
  take(content: string): string {
    return this.#unanswered.get(content) ?? newKey()
  }

  /** The request was answered, well or badly: the next one is a new wish. */
  answered(content: string): void {
    this.#unanswered.delete(content)
  }

  /** No answer came: keep the key for the retry. */
  unanswered(content: string, key: string): void {
    this.#unanswered.set(content, key)
  }
}

/** A random UUID (RFC 9562 §5.4); crypto.randomUUID is missing where the page came over plain http. */
export function newKey(): string {
  const secure = crypto as Partial<Crypto>
  if (secure.randomUUID) return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
