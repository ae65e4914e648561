import { computed, reactive, ref, watch } from 'vue'
import { onBeforeRouteLeave, useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { text } from '@/base/i18n'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { useSession } from '@/kernel/session'
import { blank, blankItem, type Body, type Entry, type Fault } from '../model'
import type { Party } from '@/kernel/party/use-party-search'

/** The editor of an entry: a new one, or the version in work of one there is. */
export function useEdit() {
  const route = useRoute()
  const router = useRouter()
  const session = useSession()
  const id = computed(() => (typeof route.params.id === 'string' ? route.params.id : ''))
  const draft = reactive<Body>(blank(''))
  const reason = ref('')
  const unit = ref<Party | null>(null)
  const faults = ref<Fault[]>([])
  const version = ref(0)
  let kept = ''
  const said = () => JSON.stringify([draft, reason.value, unit.value?.id])
  const changed = computed(() => kept !== '' && said() !== kept)
  const classes = useQuery((signal) => ask(api.GET('/api/catalog/classes', { signal })))
  const found = useQuery<Entry>((signal) => ask(api.GET('/api/catalog/entries/{id}', { params: { path: { id: id.value } }, signal })), [], { when: () => id.value !== '' })

  function take(entry: Entry): void {
    Object.assign(draft, blank(''), structuredClone(entry.draft ?? entry.body))
    reason.value = entry.reason
    version.value = entry.version
    unit.value = { id: draft.unit, name: entry.unitName, detail: '' }
    kept = said()
  }
  const look = async () => {
    faults.value = (await ask(api.POST('/api/catalog/entries/{id}/check', { params: { path: { id: id.value } } }))).faults
  }
  watch(found.data, (entry) => {
    if (!entry || version.value !== 0) return
    take(entry)
    void look().catch(() => undefined) // what it lacks is said again when it is handed in
  })
  if (id.value === '') {
    const body = session.me?.post?.unit // the server takes the body a section belongs to
    if (body) unit.value = { id: body.id, name: body.name, detail: '' }
    kept = said()
  }

  const body = (): Body => ({ ...draft, unit: unit.value?.id ?? '', items: draft.items ?? [] })
  const save = useAction(async () => {
    if (id.value === '') {
      const made = await ask(api.POST('/api/catalog/entries', { body: body() }))
      kept = said()
      toast(text('catalog.edit.saved'))
      announce('catalog')
      await router.replace(`/catalog/entries/${made.id}/edit`)
      take(made)
      return // the page of the draft says what it lacks
    } else {
      take(await ask(api.PUT('/api/catalog/entries/{id}/draft', { params: { path: { id: id.value } }, body: { ...body(), reason: reason.value, version: version.value } })))
      toast(text('catalog.edit.saved'))
      announce('catalog')
    }
    await look()
  })
  const submit = useAction(async () => {
    if (changed.value || id.value === '') {
      await save.run()
      if (save.error.value) return
    }
    const entry = await ask(api.POST('/api/catalog/entries/{id}/submit', { params: { path: { id: id.value } }, body: { version: version.value } }))
    kept = said()
    toast(text('catalog.deed.submitDone'))
    announce('catalog')
    announce('flow.boxes')
    await router.replace(`/catalog/entries/${entry.id}`)
  })
  onBeforeRouteLeave(async () => !changed.value || (await confirmDeed({ title: text('catalog.edit.leave'), words: text('catalog.edit.leaveWords'), verb: text('catalog.edit.leaveVerb'), danger: true })))

  const items = {
    add: () => (draft.items = [...(draft.items ?? []), blankItem()]),
    remove: (at: number) => (draft.items = (draft.items ?? []).filter((_, i) => i !== at)),
    move(at: number, by: number): void {
      const all = [...(draft.items ?? [])]
      const [one] = all.splice(at, 1)
      all.splice(at + by, 0, one!)
      draft.items = all
    },
  }
  const faultOf = (name: string) => faults.value.find((one) => one.name === name)?.message
  return { id, draft, reason, unit, faults, found, classes, changed, save, submit, items, faultOf, problem: computed(() => submit.error.value ?? save.error.value) }
}

/** What the editor works with. */
export type EditPage = ReturnType<typeof useEdit>
