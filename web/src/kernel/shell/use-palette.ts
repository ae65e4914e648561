import { computed, ref, shallowRef, watch, type ComputedRef, type Ref } from 'vue'
import { api, ask } from '@/base/api'
import { text } from '@/base/i18n'

/** Something the palette can open. */
export interface Entry {
  kind: 'page' | 'command' | 'person' | 'unit'
  id: string
  title: string
  detail: string
  icon: string
  run: () => void
}

/** The palette's state: what was typed, what it found, which line is chosen. */
export interface PaletteState {
  typed: Ref<string>
  found: ComputedRef<Entry[]>
  chosen: Ref<number>
  searching: Ref<boolean>
  failed: Ref<boolean>
  move: (by: number) => void
}

/** Where a found person or unit leads; '' when no installed page shows it. */
export type PathOf = (kind: 'person' | 'unit', id: string) => string

const pause = 150 // milliseconds after the last letter before people and units are asked for
type Pinyin = (title: string, typed: string) => boolean

/** Matches by title; pinyin and its initials come with a library that is loaded when the palette first opens. */
const usePinyin = () => {
  const match = shallowRef<Pinyin>(() => false)
  void import('pinyin-pro').then((lib) => (match.value = (title, typed) => lib.match(title, typed, { continuous: true, lastPrecision: 'start' }) !== null))
  return match
}

/** Whether an entry answers what was typed. */
export function answers(entry: { title: string; detail: string }, typed: string, pinyin: Pinyin): boolean {
  const wanted = typed.trim().toLowerCase()
  if (!wanted) return true
  if (entry.title.toLowerCase().includes(wanted) || entry.detail.toLowerCase().includes(wanted)) return true
  return /^[a-z ]+$/.test(wanted) && pinyin(entry.title, wanted.replaceAll(' ', ''))
}

/** Finds pages and commands at once, people and units from the server shortly after. open is called with a found one's address. */
export function usePalette(fixed: () => Entry[], pathOf: PathOf, open: (path: string) => void): PaletteState {
  const typed = ref('')
  const chosen = ref(0)
  const searching = ref(false)
  const failed = ref(false)
  const remote = shallowRef<Entry[]>([])
  const pinyin = usePinyin()
  const found = computed(() => [...fixed().filter((entry) => answers(entry, typed.value, pinyin.value)), ...remote.value])

  const entry = (kind: 'person' | 'unit', id: string, title: string, detail: string): Entry => {
    const path = pathOf(kind, id)
    return { kind, id: `${kind}-${id}`, title, detail, icon: kind === 'person' ? 'me' : 'unit', run: () => path && open(path) }
  }

  watch(typed, (words, _before, clean) => {
    chosen.value = 0
    const q = words.trim()
    if (!q) {
      remote.value = []
      searching.value = false
      return
    }
    const stop = new AbortController()
    const timer = setTimeout(() => void search(q, stop.signal), pause)
    clean(() => {
      clearTimeout(timer)
      stop.abort()
    })
  })
  watch(() => found.value.length, (n) => (chosen.value = Math.min(chosen.value, Math.max(0, n - 1))))

  async function search(q: string, signal: AbortSignal): Promise<void> {
    searching.value = true
    failed.value = false
    try {
      const answer = await ask(api.GET('/api/org/search', { params: { query: { q } }, signal }))
      remote.value = [
        ...(answer.people ?? []).map((p) => entry('person', p.id, p.name, [p.unit, p.title].filter(Boolean).join(' · '))),
        ...(answer.units ?? []).map((u) => entry('unit', u.id, u.name, u.path)),
      ]
    } catch {
      if (!signal.aborted) failed.value = true
    } finally {
      if (!signal.aborted) searching.value = false
    }
  }

  function move(by: number): void {
    const n = found.value.length
    if (n) chosen.value = (chosen.value + by + n) % n
  }

  return { typed, found, chosen, searching, failed, move }
}

/** The heading above the entries of a kind. */
export function kindTitle(kind: Entry['kind']): string {
  return text(`kernel.palette.${kind}`)
}
