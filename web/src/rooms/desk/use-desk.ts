import { computed, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { asProblem } from '@/base/problem'
import { useQuery } from '@/base/query'
import { exactTime } from '@/base/time'
import { toast } from '@/base/toast'
import { problemWords } from '@/base/words'
import { useSession } from '@/kernel/session'
import { placed, stepped, toggled, type Pins } from './arrange'
import { partOfDay } from './day'

/** The workbench as the server answers it. */
export type Home = components['schemas']['DeskHome']
/** A page of the grid. */
export type App = components['schemas']['DeskApp']
/** A notice in a list. */
export type Line = components['schemas']['DeskLine']

/** The workbench: one request; asked again when something is pushed to the person. */
export function useDesk() {
  const { t, locale } = useI18n()
  const session = useSession()
  const router = useRouter()
  const home = useQuery((signal) => ask(api.GET('/api/desk', { signal })), [locale], { topics: ['desk', 'notify.unread'] })
  const greeting = computed(() => t(`desk.hello.${partOfDay(Number(exactTime(new Date()).slice(11, 13)))}`, [session.me?.person.name ?? '']))

  const day = computed(() => {
    const now = home.data.value
    if (!now) return ''
    const [year, month, date] = now.date.split('-').map(Number) as [number, number, number]
    return t('desk.date', [year, date, t(`desk.weekday.${now.weekday}`), t(`desk.month.${month}`)])
  })
  /** What sort of day it is: a workday, a rest day, a holiday, or a weekend that is worked for one. */
  const sort = computed(() => {
    const now = home.data.value
    if (!now) return ''
    if (now.holiday) return t(now.workday ? 'desk.day.worked' : 'desk.day.holiday', [now.holiday])
    return t(now.workday ? 'desk.day.workday' : 'desk.day.rest')
  })
  const tiles = computed(() => {
    const counts = home.data.value?.counts
    if (!counts) return []
    return [
      { key: 'must', count: counts.must, to: '/desk/notices?state=must', icon: 'todo', urgent: counts.must > 0 },
      { key: 'unread', count: counts.unread, to: '/desk/notices?state=unread', icon: 'notice', urgent: false },
      ...(counts.messages === undefined ? [] : [{ key: 'messages', count: counts.messages, to: '/notify', icon: 'bell', urgent: false }]),
    ]
  })
  return { home, greeting, day, sort, tiles, iconOf: (app: App) => router.resolve(app.path).meta.icon ?? app.room }
}

/** What the parts of the workbench work with. */
export type Desk = ReturnType<typeof useDesk>

/** Pinning: every change is kept at once; one the server refuses is taken back. */
export function usePins(desk: Desk) {
  const { t } = useI18n()
  const apps = computed(() => desk.home.data.value?.apps ?? [])
  const pins = ref<Pins>([])
  watch(apps, (now) => (pins.value = now.filter((app) => app.pinned).map((app) => app.path)), { immediate: true })
  const pinned = computed(() => pins.value.map((path) => apps.value.find((app) => app.path === path)).filter((app): app is App => app !== undefined))
  const others = computed(() => apps.value.filter((app) => !pins.value.includes(app.path)))
  const said = ref('') // for screen readers, after a move

  let latest = 0
  let queue = Promise.resolve()
  /** Shows the new order at once and sends it; of changes in a row only the last is sent. What the server refuses is asked back from it. */
  function keep(next: Pins): Promise<void> {
    if (next === pins.value) return queue
    const mine = ++latest
    pins.value = next
    queue = queue.then(async () => {
      if (mine !== latest) return
      try {
        await ask(api.PUT('/api/desk/pins', { body: { paths: next } }))
      } catch (thrown) {
        toast(problemWords(asProblem(thrown)), { tone: 'danger' })
        await desk.home.reload()
      }
    })
    return queue
  }
  function tell(app: App) {
    said.value = t('desk.pins.placed', [app.title, pins.value.indexOf(app.path) + 1, pins.value.length])
  }
  return {
    pinned, others, said,
    pin: (app: App) => keep(toggled(pins.value, app.path)),
    step(app: App, by: 1 | -1) {
      void keep(stepped(pins.value, app.path, by))
      tell(app)
    },
    place: (path: string, to: number) => keep(placed(pins.value, path, to)),
    isFirst: (app: App) => pins.value[0] === app.path,
    isLast: (app: App) => pins.value.at(-1) === app.path,
  }
}

/** What the grid works with. */
export type PinBoard = ReturnType<typeof usePins>
