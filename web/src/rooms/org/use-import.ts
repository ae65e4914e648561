import { computed, ref, shallowRef } from 'vue'
import { guardedFetch } from '@/base/api'
import { newKey } from '@/base/idempotency'
import { asProblem, type Problem } from '@/base/problem'
import { useAction } from '@/base/query'
import { announce } from '@/base/topics'

/** What a workbook is imported as. */
export type Imported = 'units' | 'people'

/** What the server says of a file: how much is in it, and whether it was written. */
export interface ImportAnswer {
  rows: number
  units: number
  people: number
  posts: number
  written: boolean
}

/** The largest file the server takes, in bytes. */
export const largest = 20 << 20

async function send(what: Imported, check: boolean, file: File, key: string): Promise<ImportAnswer> {
  const url = new URL(`/api/org/import/${what}${check ? '/check' : ''}`, location.origin)
  url.searchParams.set('name', file.name)
  const headers = { 'Content-Type': 'application/octet-stream', 'Idempotency-Key': key }
  const response = await guardedFetch(new Request(url, { method: 'POST', body: file, headers }))
  return (await response.json()) as ImportAnswer
}

/** The import of one file in two steps: it is checked as a whole, and written only when every row is good. */
export function useImport(what: Imported) {
  const file = shallowRef<File | null>(null)
  const tooLarge = ref(false)
  const checked = shallowRef<ImportAnswer | null>(null)
  const written = shallowRef<ImportAnswer | null>(null)
  let key = '' // of writing this file: a retry after a lost connection writes once

  const check = useAction(async () => {
    checked.value = null
    if (file.value) checked.value = await send(what, true, file.value, newKey())
  })
  const write = useAction(async () => {
    if (!file.value) return
    try {
      written.value = await send(what, false, file.value, key)
    } catch (thrown) {
      if (!asProblem(thrown).offline) key = newKey() // it was answered: the next try is a new wish
      throw thrown
    }
    announce('org.unit')
    announce('org.person')
  })
  const problem = computed<Problem | null>(() => write.error.value ?? check.error.value)

  /** Takes a file and checks it. */
  function take(taken: File | undefined): void {
    check.clear()
    write.clear()
    checked.value = null
    file.value = taken ?? null
    tooLarge.value = (taken?.size ?? 0) > largest
    key = newKey()
    if (taken && !tooLarge.value) void check.run()
  }
  return { file, tooLarge, checked, written, check, write, problem, take }
}
