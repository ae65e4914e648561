import { onScopeDispose, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import { bytes, count, percent } from './amounts'
import { busy, type LoadItem } from './states'

const lookAgain = 2500 // milliseconds while something is under way

/** The loads of one's units, newest first; looked at again while one is under way. */
export function useLoads() {
  const { t } = useI18n()
  const list = useList<LoadItem, { state: string; mine: string }>({
    filters: { state: '', mine: '' },
    limit: 30,
    topics: ['library.loads'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/library/loads', { params: { query: { state: filters.state as LoadItem['state'] | '', mine: filters.mine !== '', after: cursor || undefined, limit } }, signal })),
  })
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(list.items, (items) => {
    clearTimeout(timer)
    if (items.some((load) => busy(load.state))) timer = setTimeout(() => void list.query.reload(), lookAgain)
  })
  onScopeDispose(() => clearTimeout(timer))

  /** What became of the rows, in a few words. */
  function outcome(load: LoadItem): string {
    if (load.state === 'done') return load.rejected > 0 ? t('library.loads.doneSome', [count(load.rows), count(load.rejected)]) : t('library.loads.doneAll', [count(load.rows)])
    if (load.state === 'failed') return load.error
    if (load.state === 'queued') return t('library.loads.queued')
    if (load.state !== 'running') return ''
    return load.bytesAll > 0 ? t('library.loads.runningShare', [percent(load.bytes, load.bytesAll), count(load.rows)]) : t('library.loads.runningRows', [count(load.rows)])
  }
  return { list, outcome, titleOf: (load: LoadItem) => load.title || load.fileName, size: (load: LoadItem) => bytes(load.fileSize) }
}

/** What a page of loads works with. */
export type LoadsPage = ReturnType<typeof useLoads>
