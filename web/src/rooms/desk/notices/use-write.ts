import { computed, reactive, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useAction, useQuery } from '@/base/query'
import { exactDate } from '@/base/time'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { endOf } from './dates'
import type { Notice } from './use-notice'

/** A unit chosen to be addressed. */
export interface Unit { id: string; name: string }

const empty = () => ({ title: '', body: '', must: false, pin: '', all: false, units: [] as Unit[], again: false })

/** A notice being written, new or changed. Nothing is published before the server says so. */
export function useWrite() {
  const { t } = useI18n()
  const router = useRouter()
  const id = String(useRoute().params.id ?? '')
  const draft = reactive(empty())
  const version = ref(0)
  const kept = ref(JSON.stringify(draft)) // as it stood when it was opened or saved
  const dirty = computed(() => JSON.stringify(draft) !== kept.value)
  const notice = useQuery((signal) => ask(api.GET('/api/desk/notices/{id}', { params: { path: { id } }, signal })), [], { when: () => id !== '' })
  watch(notice.data, (now) => now && take(now))

  function take(now: Notice) {
    Object.assign(draft, { ...empty(), title: now.title, body: now.body, must: now.must, pin: now.pinnedUntil ? exactDate(now.pinnedUntil) : '', all: now.all, units: now.to.map(({ id, name }) => ({ id, name })) })
    version.value = now.version
    kept.value = JSON.stringify(draft)
  }
  /** What the server takes. A pin that was not touched stays as it is, to the second. */
  function body() {
    const before = notice.data.value
    const samePin = before?.pinnedUntil && exactDate(before.pinnedUntil) === draft.pin
    return { title: draft.title, body: draft.body, must: draft.must, all: draft.all, units: draft.all ? [] : draft.units.map((unit) => unit.id), pinnedUntil: samePin ? before.pinnedUntil : endOf(draft.pin) }
  }
  const save = useAction(async () => {
    if (id === '') {
      const whom = draft.all ? t('desk.read.toAll') : draft.units.map((unit) => unit.name).join(t('desk.comma'))
      const yes = await confirmDeed({ title: t('desk.write.confirmTitle', [draft.title.trim()]), words: t(draft.must ? 'desk.write.confirmMust' : 'desk.write.confirmWords', [whom]), verb: t('desk.write.publish') })
      if (!yes) return
    }
    const saved = id === '' ? await ask(api.POST('/api/desk/notices', { body: body() })) : await ask(api.PUT('/api/desk/notices/{id}', { params: { path: { id } }, body: { ...body(), again: draft.again, version: version.value } }))
    kept.value = JSON.stringify(draft)
    announce('desk')
    toast(t(id === '' ? 'desk.write.published' : 'desk.write.saved'))
    await router.push(`/desk/notices/${saved.id}`)
  })
  const ready = computed(() => draft.title.trim().length >= 2 && draft.body.trim() !== '' && (draft.all || draft.units.length > 0))
  return { id, draft, notice, dirty, ready, save, withdrawn: computed(() => Boolean(notice.data.value?.withdrawnAt)) }
}
