import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { useQuery } from '@/base/query'
import { useSession } from '@/kernel/session'
import type { Setting, SettingGroup } from './values'

/** Which settings are shown: those one may edit, all, or those that differ from their default. */
export type Shown = 'mine' | 'all' | 'changed'

/** The settings of every room, narrowed by what stands in the address (?q= and ?show=). */
export function useSettings() {
  const { locale } = useI18n()
  const session = useSession()
  const settings = useQuery((signal) => ask(api.GET('/api/settings', { signal })), [locale], { topics: ['settings'] })
  const address = useAddress()
  const all = computed(() => settings.data.value?.groups.flatMap((group) => group.items) ?? [])
  const counts = computed(() => ({ mine: all.value.filter((s) => s.mine).length, all: all.value.length, changed: all.value.filter((s) => s.changed).length }))

  const shown = computed<Shown>({
    get: () => {
      const asked = address('show').value
      if (asked === 'all' || asked === 'changed') return asked
      return counts.value.mine > 0 ? 'mine' : 'all'
    },
    set: (value) => (address('show').value = value === 'mine' ? '' : value),
  })
  const q = address('q')

  const groups = computed<SettingGroup[]>(() =>
    (settings.data.value?.groups ?? [])
      .map((group) => ({ ...group, items: group.items.filter((setting) => matches(setting, shown.value, q.value)) }))
      .filter((group) => group.items.length > 0),
  )
  const title = computed(() => session.menu.find((item) => item.path === '/settings')?.title ?? '')
  return { settings, groups, counts, shown, q, title, admin: computed(() => session.me?.admin ?? '') }
}

function matches(setting: Setting, shown: Shown, q: string): boolean {
  if ((shown === 'mine' && !setting.mine) || (shown === 'changed' && !setting.changed)) return false
  const words = q.trim().toLowerCase()
  return words === '' || setting.title.toLowerCase().includes(words) || setting.name.includes(words)
}

/** A text of the address's query, '' when it is not there; writing it makes no new history entry. */
function useAddress() {
  const route = useRoute()
  const router = useRouter()
  return (name: string) =>
    computed<string>({
      get: () => (typeof route.query[name] === 'string' ? (route.query[name] as string) : ''),
      set: (value) => void router.replace({ query: { ...route.query, [name]: value || undefined } }),
    })
}
