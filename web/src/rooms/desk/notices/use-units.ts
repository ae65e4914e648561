import { reactive, ref, shallowRef } from 'vue'
import { api, ask } from '@/base/api'
import { asProblem, type Problem } from '@/base/problem'
import type { Choice } from '@/base/SelectInput.vue'

/** A unit in the tree. */
export interface Branch { id: string; name: string; children: number; people: number }

/** The tree of units, fetched branch by branch, and the search over it. */
export function useUnits() {
  const branches = reactive<Record<string, Branch[]>>({}) // by the unit above, '' for the top
  const open = reactive(new Set<string>())
  const problem = shallowRef<Problem | null>(null)
  const found = shallowRef<Choice<string>[]>([])
  const searching = ref(false)

  async function load(parent: string): Promise<void> {
    if (branches[parent]) return
    try {
      branches[parent] = (await ask(api.GET('/api/org/units', { params: { query: { parent } } }))).items.map(({ id, name, children, people }) => ({ id, name, children, people }))
      problem.value = null
    } catch (thrown) {
      problem.value = asProblem(thrown)
    }
  }
  async function toggle(id: string): Promise<void> {
    if (open.delete(id)) return
    await load(id)
    if (branches[id]) open.add(id)
  }
  /** The top, opened one step where it is a single unit: the district. */
  async function start(): Promise<void> {
    await load('')
    const [only, second] = branches[''] ?? []
    if (only && !second && only.children > 0) await toggle(only.id)
  }
  async function search(words: string): Promise<void> {
    if (words.trim() === '') return
    searching.value = true
    try {
      found.value = (await ask(api.GET('/api/org/search', { params: { query: { q: words.trim() } } }))).units.map((unit) => ({ value: unit.id, label: unit.path || unit.name }))
    } catch (thrown) {
      problem.value = asProblem(thrown)
    } finally {
      searching.value = false
    }
  }
  return { branches, open, problem, found, searching, toggle, start, search }
}

/** What the picker works with. */
export type UnitPicker = ReturnType<typeof useUnits>
