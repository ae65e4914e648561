import { computed } from 'vue'
import { useI18n } from 'vue-i18n'
import { useAddress } from '@/base/address'
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
  const asked = useAddress('show')
  const q = useAddress('q')
  const all = computed(() => settings.data.value?.groups.flatMap((group) => group.items) ?? [])
  const counts = computed(() => ({ mine: all.value.filter((s) => s.mine).length, all: all.value.length, changed: all.value.filter((s) => s.changed).length }))

  const shown = computed<Shown>({
    get: () => {
      if (asked.value === 'all' || asked.value === 'changed') return asked.value
      return counts.value.mine > 0 ? 'mine' : 'all'
    },
    set: (value) => (asked.value = value === 'mine' ? '' : value),
  })

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
