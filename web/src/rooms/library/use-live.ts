import { reactive, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import type { Party } from '@/kernel/party/use-party-search'

/** A live dataset that a room of this system offers. */
export type LiveLine = components['schemas']['LibraryLiveLine']

/** What rooms offer as live datasets, and taking one up for a unit. */
export function useLive(done: () => void) {
  const { t } = useI18n()
  const router = useRouter()
  const offers = useQuery((signal) => ask(api.GET('/api/library/live', { signal })))
  const chosen = ref<LiveLine>()
  const form = reactive({ name: '', title: '' })
  const unit = ref<Party | null>(null)
  function choose(line: LiveLine) {
    chosen.value = line
    Object.assign(form, { name: line.taken.length ? '' : line.name, title: line.title })
    unit.value = null
    take.clear()
  }
  const take = useAction(async () => {
    if (!chosen.value) return
    const made = await ask(api.POST('/api/library/live/{name}', { params: { path: { name: chosen.value.name } }, body: { ...form, unit: unit.value?.id ?? '' } }))
    announce('library.datasets')
    toast(t('library.live.done', [made.title]))
    done()
    await router.push(`/library/datasets/${made.id}`)
  })
  return { offers, chosen, form, unit, choose, take }
}
