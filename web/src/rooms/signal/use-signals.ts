import { computed, reactive, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute } from 'vue-router'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { levels, type Level, type Rule, type Signal } from '@/kernel/signal/model'
import { listPause, useLive } from '@/kernel/signal/use-live'

/** The signals the reader sees with their latest samples. */
export function useSignals() {
  const list = useList<Signal, { text: string; level: string }>({
    filters: { text: '', level: '' },
    topics: ['signal.list'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/signal/signals', { params: { query: { text: filters.text || undefined, level: (filters.level || undefined) as 'red' | undefined, after: cursor || undefined, limit } }, signal })),
  })
  const typed = ref(list.filters.text)
  watch(typed, (now, _before, clean) => {
    const timer = setTimeout(() => (list.filters.text = now.trim()), 250)
    clean(() => clearTimeout(timer))
  })
  useLive(() => announce('signal.list'), listPause)
  return { list, typed }
}

/** One signal. */
export function useSignal() {
  const route = useRoute()
  const id = computed(() => String(route.params.id))
  const signal = useQuery((stop) => ask(api.GET('/api/signal/signals/{id}', { params: { path: { id: id.value } }, signal: stop })), [id], { topics: ['signal.list'] })
  useLive((hint) => {
    if (hint.all || hint.signals?.includes(id.value)) void signal.reload()
  })
  return { id, signal }
}

type Texts = Record<Level, string>
const none = (): Texts => ({ red: '', orange: '', yellow: '', blue: '' })

/** The form that edits a rule: numbers are texts while they are typed. */
export function useRuleForm(signal: Signal, done: () => void) {
  const { t } = useI18n()
  const r = signal.rule
  const text = (v: number | undefined) => (v === undefined ? '' : String(v))
  const side = (lines: Rule['above']) => levels.reduce((out, level) => ({ ...out, [level]: text(lines[level]) }), none())
  const form = reactive({ above: side(r.above), below: side(r.below), hysteresis: text(r.hysteresis), count: text(r.count), persist: text(r.persist), rate: text(r.rate), stale: text(r.stale), low: text(r.low), high: text(r.high), why: '' })
  const number = (s: string) => (s.trim() === '' ? undefined : Number(s))
  const lines = (texts: Texts) => Object.fromEntries(levels.flatMap((level) => (texts[level].trim() === '' ? [] : [[level, Number(texts[level])]])))
  const save = useAction(async () => {
    const rule: Rule = { above: lines(form.above), below: lines(form.below), hysteresis: number(form.hysteresis), count: number(form.count), persist: number(form.persist), rate: number(form.rate), stale: number(form.stale), low: number(form.low), high: number(form.high) }
    await ask(api.PUT('/api/signal/signals/{id}/rule', { params: { path: { id: signal.id } }, body: { rule, why: form.why.trim(), version: signal.version } }))
    announce('signal.list')
    toast(t('signal.ruleSaved'))
    done()
  })
  const fault = (name: string) => save.error.value?.reason(name)
  return { form, save, fault }
}

/** The form that enters a calibration. */
export function useCalibrateForm(signal: Signal, done: () => void) {
  const { t } = useI18n()
  const form = reactive({ before: '', truth: '', months: 12, note: '' })
  const save = useAction(async () => {
    await ask(api.POST('/api/signal/signals/{id}/calibrations', { params: { path: { id: signal.id } }, body: { before: Number(form.before), truth: Number(form.truth), months: form.months, note: form.note.trim() } }))
    announce('signal.list')
    toast(t('signal.calibrated'))
    done()
  })
  const fault = (name: string) => save.error.value?.reason(name)
  return { form, save, fault }
}
