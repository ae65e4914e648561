import { computed, ref, shallowRef, watch } from 'vue'
import { onBeforeRouteLeave, useRoute } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { text } from '@/base/i18n'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { tidy, type Draft, type Finding } from './model'

/** A draft being drawn: its parts, its YAML, what is wrong with it. */
export function useDesign() {
  const key = String(useRoute().params.key)
  const path = { path: { key } }
  const found = useQuery((signal) => ask(api.GET('/api/forms/apps/{key}/draft', { params: path, signal })))
  const draft = ref<Draft>()
  const source = ref('')
  const bySource = ref(false) // the YAML was typed in: it counts, not the parts
  const findings = shallowRef<Finding[]>([])
  const changed = ref(false)
  const version = computed(() => (found.data.value?.state === 'draft' ? found.data.value.version : 0))
  let quiet = false

  function take() {
    const data = found.data.value
    if (!data) return
    quiet = true
    draft.value = JSON.parse(JSON.stringify(data.app)) as Draft
    source.value = data.source
    findings.value = data.findings
    bySource.value = changed.value = false
    queueMicrotask(() => (quiet = false))
  }
  watch(found.data, take)
  watch(draft, () => !quiet && (changed.value = true), { deep: true, flush: 'sync' })

  const drawn = () => (bySource.value ? { source: source.value } : { app: tidy(draft.value) })
  let timer: ReturnType<typeof setTimeout> | undefined
  const later = () => {
    clearTimeout(timer)
    timer = setTimeout(() => void (check.busy.value ? later() : check.run()), 500)
  }
  watch([draft, source], () => changed.value && later(), { deep: true })
  const check = useAction(async () => {
    findings.value = (await ask(api.POST('/api/forms/apps/check', { body: drawn() }))).findings
  })
  async function keep(): Promise<void> {
    const answer = await ask(api.PUT('/api/forms/apps/{key}/draft', { params: path, body: { ...drawn(), version: version.value } }))
    found.data.value = answer
    announce('forms.apps')
  }
  const save = useAction(async () => {
    await keep()
    toast(text('forms.design.kept'))
  })
  const publish = useAction(async () => {
    if (changed.value || !version.value) await keep()
    if (findings.value.length) return
    if (!(await confirmDeed({ title: text('forms.design.publishTitle', [found.data.value!.title]), words: text('forms.design.publishWords'), verb: text('forms.design.publish') }))) return
    const done = await ask(api.POST('/api/forms/apps/{key}/publish', { params: path, body: { version: version.value } }))
    toast(text('forms.design.published', [done.title, done.number]))
    announce('forms.apps')
    await found.reload()
  })
  const discard = useAction(async () => {
    if (!(await confirmDeed({ title: text('forms.design.discardTitle'), words: text('forms.design.discardWords'), verb: text('forms.design.discard'), danger: true }))) return
    await ask(api.DELETE('/api/forms/apps/{key}/draft', { params: { ...path, query: { version: version.value } } }))
    announce('forms.apps')
    await found.reload()
  })
  const retire = useAction(async () => {
    if (!(await confirmDeed({ title: text('forms.design.retireTitle', [found.data.value!.title]), words: text('forms.design.retireWords'), verb: text('forms.design.retire'), danger: true }))) return
    await ask(api.POST('/api/forms/apps/{key}/retire', { params: path, body: { version: found.data.value!.version } }))
    announce('forms.apps')
    await found.reload()
  })
  onBeforeRouteLeave(async () => !changed.value || (await confirmDeed({ title: text('forms.leave'), words: text('forms.leaveWords'), verb: text('forms.leaveVerb'), danger: true })))
  return {
    key, found, draft, source, bySource, findings, changed, check, save, publish, discard, retire,
    typeSource(words: string) {
      source.value = words
      bySource.value = changed.value = true
    },
  }
}
