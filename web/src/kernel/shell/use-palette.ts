import { computed, ref, shallowRef, watch, type ComputedRef, type Ref } from 'vue'
import { api, ask } from '@/base/api'
import { text } from '@/base/i18n'

/** Something the palette can open. */
export interface Entry {
  kind: string // page, command, or what the server calls it
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

/** The kinds the server finds: their icons, in the order they are shown. */
const icons: Record<string, string> = { org_person: 'me', org_unit: 'unit', org_group: 'unit', burden: 'form', desk_notice: 'desk', catalog: 'library', dataset: 'data', flow_case: 'flow' }

/** What the server found, as entries; a kind this page has no words for, or a link no installed page shows, is left out. */
export function entriesOf(groups: { kind: string; hits: { id: string; title: string; where: string; link: string }[] }[], shows: (path: string) => boolean, open: (path: string) => void): Entry[] {
  return Object.keys(icons).flatMap((kind) =>
    (groups.find((group) => group.kind === kind)?.hits ?? [])
      .filter((hit) => shows(hit.link))
      .map((hit) => ({ kind, id: `${kind}-${hit.id}`, title: hit.title, detail: hit.where, icon: icons[kind]!, run: () => open(hit.link) })))
}

const pause = 150 // milliseconds after the last letter before the server is asked
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

/** Finds pages and commands at once, everything else from the server shortly after. open is called with a found one's address. */
export function usePalette(fixed: () => Entry[], shows: (path: string) => boolean, open: (path: string) => void): PaletteState {
  const typed = ref('')
  const chosen = ref(0)
  const searching = ref(false)
  const failed = ref(false)
  const remote = shallowRef<Entry[]>([])
  const pinyin = usePinyin()
  const found = computed(() => [...fixed().filter((entry) => answers(entry, typed.value, pinyin.value)), ...remote.value])

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

  async function search(words: string, signal: AbortSignal): Promise<void> {
    searching.value = true
    failed.value = false
    try {
      const answer = await ask(api.GET('/api/find', { params: { query: { text: words } }, signal }))
      remote.value = entriesOf(answer.groups, shows, open)
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
