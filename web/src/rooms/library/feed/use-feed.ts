import { computed, onScopeDispose, reactive, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useList } from '@/base/list'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'
import type { Column } from '../columns'
import type { Load, LoadItem } from '../states'
import { decided, usualChoice, type Choosing, type Feed, type Way } from './feeds'

const lookAgain = 1500 // milliseconds while a run is under way

/** One feed: what it is, its runs, and what may be done with it. Looked at again while it runs. */
export function useFeed() {
  const { t } = useI18n()
  const router = useRouter()
  const id = String(useRoute().params.id)
  const path = { path: { id } }
  const feed = useQuery<Feed>((signal) => ask(api.GET('/api/library/feeds/{id}', { params: path, signal })), [], { topics: ['library.feed'] })
  const runs = useList<LoadItem>({
    limit: 30, addressless: true, topics: ['library.feed'],
    load: ({ cursor, limit, signal }) => ask(api.GET('/api/library/loads', { params: { query: { feed: id, after: cursor || undefined, limit } }, signal })),
  })
  let timer: ReturnType<typeof setTimeout> | undefined
  watch([feed.data, feed.error], ([now], [before]) => {
    clearTimeout(timer)
    if (before?.running && !now?.running) void runs.query.reload()
    if (now?.running) timer = setTimeout(() => void Promise.all([feed.reload(), runs.query.reload()]), lookAgain)
  })
  onScopeDispose(() => clearTimeout(timer))

  function take(now: Feed) {
    feed.data.value = now
    announce('library.feeds')
    void runs.query.reload()
  }
  const body = () => ({ version: feed.data.value!.version })
  const run = useAction(async (whole: boolean) => take(await ask(api.POST('/api/library/feeds/{id}/run', { params: path, body: { ...body(), whole } }))))
  const turn = useAction(async (on: boolean) => take(await ask(api.POST('/api/library/feeds/{id}/turn', { params: path, body: { ...body(), on } }))))
  const remove = useAction(async () => {
    const now = feed.data.value!
    const yes = await confirmDeed({ title: t('library.feed.removeTitle', [now.title]), words: t('library.feed.removeWords'), verb: t('library.feed.remove'), danger: true })
    if (!yes) return
    await ask(api.DELETE('/api/library/feeds/{id}', { params: { ...path, query: { version: now.version } } }))
    announce('library.feeds')
    await router.push(`/library/sources/${now.source}`)
  })
  const cancel = useAction(async (load: string) => {
    const yes = await confirmDeed({ title: t('library.load.cancelTitle'), words: t('library.load.cancelWords'), verb: t('library.load.cancel'), danger: true })
    if (!yes) return
    await ask(api.POST('/api/library/loads/{id}/cancel', { params: { path: { id: load } } }))
    await Promise.all([feed.reload(), runs.query.reload()])
  })
  const say = (deed: typeof run | typeof turn | typeof remove | typeof cancel) => deed.error.value && toast(problemWords(deed.error.value), { tone: 'danger' })
  return {
    id, feed, runs, take,
    working: computed(() => run.busy.value || turn.busy.value || remove.busy.value),
    run: (whole: boolean) => run.run(whole).then(() => say(run)),
    turn: (on: boolean) => turn.run(on).then(() => say(turn)),
    remove: () => remove.run().then(() => say(remove)),
    cancelling: cancel.busy,
    cancel: (load: string) => cancel.run(load).then(() => say(cancel)),
  }
}

/** What the page of a feed works with. */
export type FeedPage = ReturnType<typeof useFeed>

/** What is decided about a feed before it runs, or changed later. */
export function useSettle(page: FeedPage, feed: Feed) {
  const { t } = useI18n()
  const copy = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T
  const choice = reactive({ dataset: '', name: feed.name, title: feed.title, summary: feed.summary ?? '', onBad: feed.onBad, repeats: feed.repeats ?? false, columns: copy(feed.columns) as Column[] })
  const way = reactive<Way>({ ...copy(feed.way), mode: { column: '', op: '', overlap: 0, deletes: [], ...copy(feed.way.mode) }, schedule: { n: 1, at: '02:30', day: 1, ...copy(feed.way.schedule) } })
  const suggested = ref(Object.fromEntries(feed.columns.map((column) => [column.at, column.kind ?? ''])) as Record<number, NonNullable<Column['kind']>>)
  const looked = ref<Pick<Load, 'samples'>>()
  const version = ref(feed.version)

  async function put(): Promise<Feed> {
    const now = await ask(api.PUT('/api/library/feeds/{id}', { params: { path: { id: page.id } }, body: { ...choice, way, version: version.value } }))
    version.value = now.version
    return now
  }
  const save = useAction(async () => {
    page.take(await put())
    toast(t('library.draft.saved'))
  })
  const start = useAction(async () => {
    const now = await put()
    page.take(await ask(api.POST('/api/library/feeds/{id}/turn', { params: { path: { id: page.id } }, body: { on: true, version: now.version } })))
  })
  const peek = useAction(async () => {
    looked.value = await ask(api.POST('/api/library/feeds/{id}/peek', { params: { path: { id: page.id } }, body: {} as never }))
  })
  return {
    choice, way, suggested, sealing: feed.sealing, looked, save, start, peek,
    kept: computed(() => choice.columns.filter((column) => !column.skip)),
    problem: computed(() => start.error.value ?? save.error.value ?? peek.error.value),
    working: computed(() => start.busy.value || save.busy.value || peek.busy.value),
  }
}

/** What the parts of the form work with. */
export type Settling = ReturnType<typeof useSettle>

/** The decision about changed columns. */
export function useDecide(page: FeedPage, feed: Feed) {
  const choices = reactive<Choosing[]>(feed.changes.map(usualChoice))
  const decide = useAction(async () => {
    page.take(await ask(api.POST('/api/library/feeds/{id}/decide', { params: { path: { id: page.id } }, body: { choices: decided(feed.changes, choices), version: feed.version } })))
  })
  return { choices, decide }
}
