import { ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { api, ask } from '@/base/api'

/** A person or a unit as a form holds it. */
export interface Party {
  id: string
  name: string
  detail: string // of a person his unit and title, of a unit where it stands
}

/** Which of the two is looked for. */
export type PartyKind = 'person' | 'unit'

/** What was typed, what it found, which line is chosen. */
export interface PartySearch {
  typed: Ref<string>
  found: ShallowRef<Party[]>
  searching: Ref<boolean>
  failed: Ref<boolean>
  answered: Ref<boolean> // what is found answers what is typed
}

const pause = 150 // milliseconds after the last letter before the server is asked

/** Looks for people or units by name, pinyin or initials. exclude leaves some out. */
export function usePartySearch(kind: PartyKind, exclude: () => string[]): PartySearch {
  const typed = ref('')
  const found = shallowRef<Party[]>([])
  const searching = ref(false)
  const failed = ref(false)
  const answered = ref(false)

  watch(typed, (words, _before, clean) => {
    const q = words.trim()
    answered.value = false
    if (!q) {
      found.value = []
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

  async function search(q: string, signal: AbortSignal): Promise<void> {
    searching.value = true
    failed.value = false
    try {
      const answer = await ask(api.GET('/api/org/search', { params: { query: { q } }, signal }))
      const all: Party[] = kind === 'person'
        ? answer.people.map((p) => ({ id: p.id, name: p.name, detail: [p.unit, p.title].filter(Boolean).join(' · ') }))
        : answer.units.map((u) => ({ id: u.id, name: u.name, detail: u.path }))
      found.value = all.filter((party) => !exclude().includes(party.id))
      answered.value = true
    } catch {
      if (!signal.aborted) failed.value = true
    } finally {
      if (!signal.aborted) searching.value = false
    }
  }
  return { typed, found, searching, failed, answered }
}
