import { onScopeDispose, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { busy, count, share, type RunLine } from './states'

const lookAgain = 2000 // milliseconds while something is under way

/** Who held what list against what, when and why; looked at again while one is under way. */
export function useRuns() {
  const { t } = useI18n()
  const list = useList<RunLine, { state: string; mine: string }>({
    filters: { state: '', mine: '' },
    limit: 30,
    topics: ['batch.runs'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/batch/runs', { params: { query: { state: filters.state as RunLine['state'] | '', mine: filters.mine !== '', after: cursor || undefined, limit } }, signal })),
  })
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(list.items, (items) => {
    clearTimeout(timer)
    if (items.some((run) => busy(run.state))) timer = setTimeout(() => void list.query.reload(), lookAgain)
  })
  onScopeDispose(() => clearTimeout(timer))

  /** What came of the list, in a few words. */
  function outcome(run: RunLine): string {
    if (run.state === 'done') return t('batch.runs.hits', [count(run.valid), count(run.hits), share(run.hits, run.valid)])
    if (run.state === 'failed') return run.error
    if (run.state === 'queued') return t('batch.runs.queued')
    if (run.state === 'running') return t('batch.runs.running', [count(run.valid)])
    return t('batch.runs.checked', [count(run.valid), count(run.invalid)])
  }
  return { list, outcome }
}

/** What a page of the history works with. */
export type RunsPage = ReturnType<typeof useRuns>
