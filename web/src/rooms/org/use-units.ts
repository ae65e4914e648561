import { computed, ref, watch } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useAddress } from '@/base/address'
import { api, ask } from '@/base/api'
import { Problem } from '@/base/problem'
import { pastDay } from './model'
import { fetchUnit } from './use-unit'
import { useTree } from './use-tree'

/** The page of the tree: which day, which unit, and what is searched. All of it stands in the address. */
export function useUnits() {
  const route = useRoute()
  const router = useRouter()
  const asOf = useAddress('asOf')
  const closedFlag = useAddress('closed')
  const day = computed(() => (pastDay(asOf.value) ? asOf.value : ''))
  const closed = computed({ get: () => closedFlag.value === 'yes' && !day.value, set: (yes) => (closedFlag.value = yes ? 'yes' : '') })
  const chosen = computed(() => (typeof route.params.id === 'string' ? route.params.id : typeof route.query.unit === 'string' ? route.query.unit : ''))
  const tree = useTree(() => day.value, () => closed.value)
  const first = computed(() => tree.rows.value[0]?.unit.id ?? '')
  const missing = ref(false) // the address names a unit that cannot be seen

  /** Shows a unit beside the tree; the address can be sent as a link. */
  function choose(id: string): void {
    void router.push({ path: '/org', query: { ...route.query, unit: id } })
  }

  // A unit that was named by a link or found by a search is brought into view.
  watch(chosen, async (id) => {
    missing.value = false
    if (!id || tree.rows.value.some((row) => row.unit.id === id)) return
    try {
      const unit = await fetchUnit(id)
      await tree.reveal(unit.path.slice(0, -1).map((above) => above.id))
    } catch (thrown) {
      missing.value = thrown instanceof Problem && thrown.status === 404
    }
  }, { immediate: true })

  return { tree, day, asOf, closed, chosen, first, missing, choose }
}

/** One unit the search offers. */
export interface FoundUnit {
  id: string
  name: string
  path: string
}

/** Finds units by name, short name, pinyin or initials while one types. */
export function useUnitSearch() {
  const typed = ref('')
  const found = ref<FoundUnit[] | null>(null) // null: nothing is searched
  const failed = ref(false)
  watch(typed, (words, _before, clean) => {
    failed.value = false
    if (!words.trim()) {
      found.value = null
      return
    }
    const stop = new AbortController()
    const timer = setTimeout(async () => {
      try {
        found.value = (await ask(api.GET('/api/org/search', { params: { query: { q: words.trim() } }, signal: stop.signal }))).units
      } catch {
        if (!stop.signal.aborted) failed.value = true
      }
    }, 150)
    clean(() => {
      clearTimeout(timer)
      stop.abort()
    })
  })
  return { typed, found, failed }
}
