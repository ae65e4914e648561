import { computed, reactive, ref, shallowReactive, watch, type ComputedRef, type Ref } from 'vue'
import { api, ask } from '@/base/api'
import { asProblem, type Problem } from '@/base/problem'
import { onTopic } from '@/base/topics'
import type { Branch } from './model'

/** One visible line of the tree. */
export interface TreeRow {
  unit: Branch
  level: number // 1 at the top
  at: number // 1-based among its siblings
  of: number
  open: boolean
  busy: boolean // its units are being fetched
}

/** The tree as the page shows it: units are fetched when their parent is opened. */
export interface Tree {
  rows: ComputedRef<TreeRow[]>
  problem: Ref<Problem | null>
  loading: ComputedRef<boolean>
  toggle: (unit: Branch) => Promise<void>
  openUnit: (id: string) => Promise<void>
  close: (id: string) => void
  reveal: (path: string[]) => Promise<void>
  reload: () => Promise<void>
}

const top = ''

/** The lines on show: every open unit is followed by its children. Pure, so that it is tested without a page. */
export function flatten(children: ReadonlyMap<string, Branch[]>, open: ReadonlySet<string>, busy: ReadonlySet<string>): TreeRow[] {
  const rows: TreeRow[] = []
  const add = (parent: string, level: number) => {
    const all = children.get(parent) ?? []
    for (const [i, unit] of all.entries()) {
      const isOpen = open.has(unit.id) && children.has(unit.id)
      rows.push({ unit, level, at: i + 1, of: all.length, open: isOpen, busy: busy.has(unit.id) })
      if (isOpen) add(unit.id, level + 1)
    }
  }
  add(top, 1)
  return rows
}

/** The tree of units, today's or that of a past day (asOf, '' for today), with closed units or without. Call it in setup. */
export function useTree(asOf: () => string, closed: () => boolean): Tree {
  const children = shallowReactive(new Map<string, Branch[]>())
  const open = reactive(new Set<string>())
  const busy = reactive(new Set<string>())
  const problem = ref<Problem | null>(null) as Ref<Problem | null>
  let stop = new AbortController()

  /** Fetches what stands right below parent. */
  async function fetchBelow(parent: string): Promise<void> {
    const mine = stop
    busy.add(parent)
    try {
      const query = { parent, asOf: asOf() || undefined, closed: closed() || undefined }
      const { items } = await ask(api.GET('/api/org/units', { params: { query }, signal: mine.signal }))
      if (mine !== stop) return
      children.set(parent, items)
      problem.value = null
    } catch (thrown) {
      if (mine === stop && !mine.signal.aborted) problem.value = asProblem(thrown)
    } finally {
      if (mine === stop) busy.delete(parent)
    }
  }

  async function openUnit(id: string): Promise<void> {
    if (!children.has(id)) await fetchBelow(id)
    if (children.has(id)) open.add(id)
  }
  const close = (id: string) => void open.delete(id)
  const toggle = async (unit: Branch) => (open.has(unit.id) ? close(unit.id) : await openUnit(unit.id))

  /** Opens what stands above a unit, from the top down. */
  async function reveal(path: string[]): Promise<void> {
    for (const id of path) await openUnit(id)
  }

  /** Fetches everything that is open again: after a change, or for another day. A single top unit opens by itself. */
  async function reload(): Promise<void> {
    stop.abort()
    stop = new AbortController()
    busy.clear()
    const mine = stop
    problem.value = null
    await Promise.all([top, ...open].map(fetchBelow))
    if (mine !== stop) return
    for (const id of children.keys()) if (id !== top && !open.has(id)) children.delete(id)
    const first = children.get(top)
    if (first?.length === 1 && open.size === 0) await openUnit(first[0]!.id)
  }

  watch(asOf, () => {
    children.clear() // never one day's chart under another day's heading
    void reload()
  })
  watch(closed, () => void reload())
  onTopic('org.unit', () => void reload())
  void reload()
  return { rows: computed(() => flatten(children, open, busy)), problem, loading: computed(() => !children.has(top) && problem.value === null), toggle, openUnit, close, reveal, reload }
}
