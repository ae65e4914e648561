import { ref, watch } from 'vue'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import type { Fix, ReportLine, SheetLine, states, Tip } from './model'

/** Reports the reader sees: his unit's, those he checks, and what is approved. */
export function useReports() {
  const list = useList<ReportLine, { view: string; state: string; text: string }>({
    filters: { view: '', state: '', text: '' },
    limit: 30,
    topics: ['burden.reports', 'flow.boxes', 'flow.case'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/burden/reports', { params: { query: { view: (filters.view || undefined) as 'mine' | undefined, state: (filters.state || undefined) as (typeof states)[number] | undefined, text: filters.text || undefined, after: cursor || undefined, limit } }, signal })),
  })
  const typed = ref(list.filters.text)
  watch(typed, (now, _before, clean) => {
    const timer = setTimeout(() => (list.filters.text = now.trim()), 250)
    clean(() => clearTimeout(timer))
  })
  return { list, typed }
}

/** Sheets: the reader's own, or those of a round as far as he sees them. */
export function useSheets(round?: () => string) {
  return useList<SheetLine, { view: string; street: string; state: string }>({
    filters: { view: round ? '' : 'todo', street: '', state: '' },
    limit: 30,
    topics: ['burden.sheets'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/burden/sheets', { params: { query: { view: (filters.view === 'all' ? undefined : filters.view || undefined) as 'todo' | undefined, round: round?.(), street: filters.street || undefined, state: (filters.state || undefined) as SheetLine['state'] | undefined, after: cursor || undefined, limit } }, signal })),
  })
}

/** Corrections of data that was filled in. */
export function useFixes() {
  return useList<Fix, { open: string }>({
    filters: { open: '' },
    limit: 30,
    topics: ['burden.fixes'],
    load: ({ filters, cursor, limit, signal }) => ask(api.GET('/api/burden/fixes', { params: { query: { open: filters.open === 'yes' || undefined, after: cursor || undefined, limit } }, signal })),
  })
}

/** Reports nobody approved, as they were reported. */
export function useTips() {
  return useList<Tip, { state: string }>({
    filters: { state: '' },
    limit: 30,
    topics: ['burden.tips'],
    load: ({ filters, cursor, limit, signal }) => ask(api.GET('/api/burden/tips', { params: { query: { state: (filters.state || undefined) as Tip['state'] | undefined, after: cursor || undefined, limit } }, signal })),
  })
}
