import { computed, reactive, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { asProblem } from '@/base/problem'
import { useAction } from '@/base/query'
import { toast } from '@/base/toast'
import type { Column } from '../columns'
import { titlesOf, type Load } from '../states'
import type { LoadPage } from './use-load'

type Drift = components['schemas']['DatasetDrift']
type Look = { sheet?: string; first?: number; last?: number; dataset?: string }

/** Whether the columns differ at all. */
export function drifts(drift: Drift | undefined): boolean {
  return drift !== undefined && Object.values(drift).some((names) => names.length > 0)
}

function choiceOf(load: Load) {
  return {
    dataset: load.dataset ?? '',
    name: load.name, title: load.title, summary: load.summary ?? '', onBad: load.onBad, repeats: load.repeats ?? false,
    columns: JSON.parse(JSON.stringify(load.columns ?? [])) as Column[],
  }
}

/** What is decided about a file before it is loaded. Corrections are sent when it is saved or started; another sheet, header or
 *  dataset to replace makes the server look at the file again. */
export function useDraft(page: LoadPage, load: Load) {
  const { t } = useI18n()
  const version = ref(load.version)
  const choice = reactive(choiceOf(load))
  const asLooked = ref(JSON.stringify(choice)) // as the server has it
  const drift = ref(load.drift)
  const suggested = ref(Object.fromEntries((load.columns ?? []).map((column) => [column.at, column.kind ?? ''])))
  const sealing = load.sealing
  const dirty = computed(() => JSON.stringify(choice) !== asLooked.value)
  const kept = computed(() => choice.columns.filter((column) => !column.skip))

  function take(now: Load, looked: boolean) {
    version.value = now.version
    drift.value = now.drift
    Object.assign(choice, choiceOf(now))
    asLooked.value = JSON.stringify(choice)
    if (looked) {
      suggested.value = Object.fromEntries((now.columns ?? []).map((column) => [column.at, column.kind ?? '']))
      page.looked.value = now
    }
    page.take(now)
  }

  const look = useAction(async (how: Look) => {
    if (dirty.value) {
      const yes = await confirmDeed({ title: t('library.look.againTitle'), words: t('library.look.againWords'), verb: t('library.look.again') })
      if (!yes) return
    }
    const body = { sheet: page.load.data.value?.sheet ?? '', first: 0, last: 0, dataset: choice.dataset, ...how, version: version.value }
    take(await ask(api.POST('/api/library/loads/{id}/inspect', { params: { path: { id: page.id } }, body })), true)
  })

  async function put(): Promise<void> {
    if (!dirty.value) return
    take(await ask(api.PUT('/api/library/loads/{id}', { params: { path: { id: page.id } }, body: { ...choice, version: version.value } })), false)
  }
  const save = useAction(async () => {
    await put()
    toast(t('library.draft.saved'))
  })
  const start = useAction(async () => {
    await put()
    const confirm = drifts(drift.value)
    if (confirm && !(await agree(drift.value!))) return
    try {
      page.take(await ask(api.POST('/api/library/loads/{id}/start', { params: { path: { id: page.id } }, body: { version: version.value, confirm } })))
    } catch (thrown) {
      if (asProblem(thrown).status === 409) void page.load.reload()
      throw thrown
    }
  })
  function agree(d: Drift): Promise<boolean> {
    const parts = (['added', 'removed', 'retyped', 'rekeyed', 'opened'] as const).filter((part) => d[part].length > 0)
    const words = parts.map((part) => t(`library.drift.${part}`, [titlesOf(d[part], choice.columns).join(t('library.comma'))]))
    return confirmDeed({ title: t('library.drift.confirmTitle'), words: words.join(t('library.semicolon')), verb: t('library.drift.confirm'), danger: true })
  }
  return {
    choice, drift, suggested, sealing, dirty, kept, look, save, start,
    problem: computed(() => start.error.value ?? save.error.value ?? look.error.value),
    working: computed(() => start.busy.value || save.busy.value || look.busy.value),
  }
}

/** What the parts of the inspection page work with. */
export type Draft = ReturnType<typeof useDraft>
