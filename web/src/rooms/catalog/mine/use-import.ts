import { computed, ref, shallowRef } from 'vue'
import { guardedFetch } from '@/base/api'
import { newKey } from '@/base/idempotency'
import { asProblem, type Problem } from '@/base/problem'
import { useAction } from '@/base/query'
import { announce } from '@/base/topics'
import type { Run } from '../model'

/** The largest file the server takes, in bytes. */
export const largest = 20 << 20

async function send(check: boolean, file: File, key: string): Promise<Run> {
  const url = new URL(`/api/catalog/import${check ? '/check' : ''}`, location.origin)
  url.searchParams.set('name', file.name)
  const headers = { 'Content-Type': 'application/octet-stream', 'Idempotency-Key': key }
  const response = await guardedFetch(new Request(url, { method: 'POST', body: file, headers }))
  return (await response.json()) as Run
}

/** Reading a workbook in two steps: it is looked through first, then what can be kept becomes drafts. */
export function useImport() {
  const file = shallowRef<File | null>(null)
  const tooLarge = ref(false)
  const checked = shallowRef<Run | null>(null)
  const written = shallowRef<Run | null>(null)
  let key = ''
  const check = useAction(async () => {
    checked.value = null
    if (file.value) checked.value = await send(true, file.value, newKey())
  })
  const write = useAction(async () => {
    if (!file.value) return
    try {
      written.value = await send(false, file.value, key)
    } catch (thrown) {
      if (!asProblem(thrown).offline) key = newKey()
      throw thrown
    }
    announce('catalog')
    announce('catalog.run')
  })
  const problem = computed<Problem | null>(() => write.error.value ?? check.error.value)
  function take(taken: File | undefined): void {
    check.clear()
    write.clear()
    checked.value = written.value = null
    file.value = taken ?? null
    tooLarge.value = (taken?.size ?? 0) > largest
    key = newKey()
    if (taken && !tooLarge.value) void check.run()
  }
  return { file, tooLarge, checked, written, check, write, problem, take }
}
