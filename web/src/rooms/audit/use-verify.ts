import { computed, onScopeDispose, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { useAction, useQuery } from '@/base/query'
import { announce } from '@/base/topics'

/** A signed root. */
export type Root = components['schemas']['AuditRoot']

const pollEvery = 1500 // milliseconds between two looks at a running verification

/** The newest verification, followed while it runs, and how to start one. */
export function useVerify() {
  const { locale } = useI18n()
  const check = useQuery(async (signal) => (await ask(api.GET('/api/audit/verify', { signal }))).check ?? null, [locale])
  const running = computed(() => check.data.value?.state === 'running')
  const start = useAction(async () => {
    check.data.value = (await ask(api.POST('/api/audit/verify'))).check ?? null
    announce('audit')
  })

  let timer: ReturnType<typeof setTimeout> | undefined
  watch([check.data, check.error], () => {
    clearTimeout(timer)
    if (running.value) timer = setTimeout(() => void check.reload(), pollEvery)
  })
  onScopeDispose(() => clearTimeout(timer))
  return { check, running, start }
}

/** The signed roots, newest first. */
export function useRoots() {
  return useList<Root>({
    addressless: true,
    limit: 10,
    topics: ['audit'],
    load: ({ cursor, limit, signal }) => ask(api.GET('/api/audit/roots', { params: { query: { after: cursor || undefined, limit } }, signal })),
  })
}
