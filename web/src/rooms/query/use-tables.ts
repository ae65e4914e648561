import { computed, ref } from 'vue'
import { api, ask } from '@/base/api'
import { useQuery } from '@/base/query'
import type { Table } from './model'

/** The datasets the person may ask about, narrowed by words typed. */
export function useTables() {
  const words = ref('')
  const found = useQuery(async (signal) => {
    const out: Table[] = []
    let after: string | undefined
    do {
      const page = await ask(api.GET('/api/query/sources', { params: { query: { after, limit: 200 } }, signal }))
      out.push(...page.items)
      after = page.next || undefined
    } while (after && out.length < 1000)
    return out
  })
  const all = computed(() => found.data.value ?? [])
  const shown = computed(() => {
    const like = words.value.trim().toLowerCase()
    if (!like) return all.value
    return all.value.filter((one) => [one.title, one.name, one.unitName].some((s) => s.toLowerCase().includes(like)) || one.columns.some((c) => c.title.toLowerCase().includes(like) || c.name.toLowerCase().includes(like)))
  })
  return { words, found, all, shown }
}
