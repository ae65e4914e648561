import { computed, ref, watch } from 'vue'
import { useRoute } from 'vue-router'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { useQuery } from '@/base/query'
import type { App, Field, Row } from './model'

/** The states a list is narrowed to. */
export const states = ['open', 'closed', 'suspended', 'stopped', 'draft'] as const

/** The entries of an application the reader sees, with the filters it declares. where holds "field:value" joined by a line feed. */
export function useEntries() {
  const key = String(useRoute().params.key)
  const about = useQuery((signal) => ask(api.GET('/api/forms/apps/{key}', { params: { path: { key } }, signal })))
  const app = computed(() => about.data.value?.app as unknown as App | undefined)
  const query = (filters: Record<string, string>, sort: string) => ({
    state: (filters.state || undefined) as (typeof states)[number] | undefined, text: filters.text || undefined, mine: filters.mine === 'yes' || undefined, late: filters.late === 'yes' || undefined,
    level: filters.level || undefined, from: filters.from || undefined, to: filters.to || undefined, where: filters.where ? filters.where.split('\n') : undefined, sort: sort || undefined,
  })
  const list = useList<Row, { state: string; text: string; mine: string; late: string; level: string; from: string; to: string; where: string }>({
    filters: { state: '', text: '', mine: '', late: '', level: '', from: '', to: '', where: '' },
    limit: 30,
    topics: ['flow.boxes', 'flow.case'],
    load: ({ filters, sort, cursor, limit, signal }) => ask(api.GET('/api/forms/apps/{key}/entries', { params: { path: { key }, query: { ...query(filters, sort), after: cursor || undefined, limit } }, signal })),
  })
  const typed = ref(list.filters.text)
  watch(typed, (now, _before, clean) => {
    const timer = setTimeout(() => (list.filters.text = now.trim()), 250)
    clean(() => clearTimeout(timer))
  })
  const declared = computed(() => (app.value?.list.filters ?? []).map((name) => app.value!.fields.find((field) => field.key === name)).filter((field): field is Field => Boolean(field)))
  const parts = computed(() => new Map(list.filters.where.split('\n').filter(Boolean).map((one) => [one.slice(0, one.indexOf(':')), one.slice(one.indexOf(':') + 1)])))
  return {
    key, about, app, list, typed, declared,
    part: (name: string) => parts.value.get(name) ?? '',
    narrow(name: string, value: string) {
      const next = new Map(parts.value)
      if (value && value !== '..') next.set(name, value)
      else next.delete(name)
      list.filters.where = [...next].map(([field, is]) => `${field}:${is}`).join('\n')
    },
    exportHref: computed(() => {
      const all = new URLSearchParams()
      for (const [name, value] of Object.entries(query(list.filters, list.sort.value))) {
        if (Array.isArray(value)) value.forEach((one) => all.append(name, one))
        else if (value !== undefined) all.set(name, String(value))
      }
      return `/api/forms/apps/${key}/entries.xlsx?${all}`
    }),
  }
}
