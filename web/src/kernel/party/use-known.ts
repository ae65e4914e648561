import { reactive } from 'vue'
import { api, ask } from '@/base/api'

const asks = {
  person: (id: string) => ask(api.GET('/api/org/people/{id}', { params: { path: { id } } })).then((found) => found.name),
  unit: (id: string) => ask(api.GET('/api/org/units/{id}', { params: { path: { id } } })).then((found) => found.name),
}

/** Names of persons and units of which only the id is kept; the id itself until the name is there, and where there is none. */
export function useKnown() {
  const known = reactive<Record<string, string>>({})
  const asked = new Set<string>()
  return {
    name(kind: keyof typeof asks, id: string): string {
      if (id && !asked.has(id) && !known[id]) {
        asked.add(id)
        void asks[kind](id).then((name) => (known[id] = name), () => undefined)
      }
      return known[id] ?? id
    },
    learn: (party: { id: string; name: string }) => (known[party.id] = party.name),
  }
}
