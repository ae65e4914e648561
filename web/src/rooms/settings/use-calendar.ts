import { computed, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { useAddress } from '@/base/address'
import { api, ask } from '@/base/api'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { alike, press, type Day, type Marks } from './days'

/** The days off by year, and the one that is being entered. */
export function useCalendar() {
  const { t } = useI18n()
  const years = useQuery((signal) => ask(api.GET('/api/settings/calendar', { signal })), [], { topics: ['settings.calendar'] })
  const chosen = useAddress('year', '')
  const of = computed(() => {
    const all = years.data.value?.items ?? []
    return all.find((one) => String(one.year) === chosen.value) ?? all.find((one) => one.source === 'missing') ?? all.at(-1)
  })
  const marks = ref<Marks>({ holidays: {}, workdays: {} })
  const reason = ref('')
  watch(of, (year) => {
    marks.value = { holidays: { ...year?.holidays }, workdays: { ...year?.workdays } }
    reason.value = ''
  }, { immediate: true })
  const changed = computed(() => !!of.value && !alike(marks.value, of.value))
  const save = useAction(async () => {
    const year = of.value!
    const body = { ...marks.value, reason: reason.value.trim(), version: year.version }
    await ask(api.PUT('/api/settings/calendar/{year}', { params: { path: { year: year.year } }, body }))
    toast(t('settings.calendar.saved', [year.year]))
    announce('settings.calendar')
  })
  return { years, of, chosen, marks, reason, changed, save, press: (day: Day, name: string) => (marks.value = press(marks.value, day, name)) }
}
