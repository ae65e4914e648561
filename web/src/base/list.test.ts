// @vitest-environment jsdom
import { createApp, nextTick, type App } from 'vue'
import { createMemoryHistory, createRouter, type Router } from 'vue-router'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { useList, type List, type PageRequest } from './list'
import { Problem } from './problem'

type Filters = { q: string; state: string }
const rows = Array.from({ length: 7 }, (_, i) => i)
let app: App | undefined
afterEach(() => app?.unmount())

const settle = async () => {
  for (let i = 0; i < 10; i++) await nextTick()
}

async function open(address: string, fail: () => boolean = () => false) {
  const asked: Omit<PageRequest<Filters>, 'signal'>[] = []
  let list!: List<number, Filters>
  const view = {
    setup() {
      list = useList<number, Filters>({
        filters: { q: '', state: 'open' },
        sort: '-at',
        limit: 3,
        load: async ({ signal: _, ...request }) => {
          asked.push(request)
          if (fail()) throw new Problem(503, 'busy')
          const at = Number(request.cursor || 0)
          return { items: rows.slice(at, at + 3), next: at + 3 < rows.length ? String(at + 3) : undefined, total: rows.length }
        },
      })
      return () => null
    },
  }
  const router: Router = createRouter({ history: createMemoryHistory(), routes: [{ path: '/:rest(.*)*', component: view }] })
  await router.push(address)
  app = createApp(view)
  app.use(router)
  app.mount(document.createElement('div'))
  await settle()
  return { list, asked, router }
}

describe('useList', () => {
  it('starts with the filters and order of the address', async () => {
    const { asked } = await open('/visit?q=lake&sort=name')
    expect(asked).toEqual([{ filters: { q: 'lake', state: 'open' }, sort: 'name', cursor: '', limit: 3 }])
  })
  it('writes filters and order into the address, defaults left out, and asks once for each change', async () => {
    const { list, asked, router } = await open('/visit?keep=1')
    list.filters.q = 'lake'
    list.sortBy('name')
    await vi.waitFor(() => expect(router.currentRoute.value.fullPath).toBe('/visit?keep=1&q=lake&sort=name'))
    expect(asked.length).toBe(2)
    list.clearFilters()
    list.sortBy('-at')
    await vi.waitFor(() => expect(router.currentRoute.value.fullPath).toBe('/visit?keep=1'))
  })
  it('goes forth and back by cursors', async () => {
    const { list, asked } = await open('/visit')
    expect([list.items.value, list.hasNext.value, list.hasPrevious.value]).toEqual([[0, 1, 2], true, false])
    list.next()
    await settle()
    list.next()
    await settle()
    expect([list.items.value, list.hasNext.value, list.pageNumber.value]).toEqual([[6], false, 3])
    list.next()
    list.previous()
    await settle()
    expect(list.items.value).toEqual([3, 4, 5])
    expect(asked.map((r) => r.cursor)).toEqual(['', '3', '6', '3'])
  })
  it('starts at the first page again when a filter changes', async () => {
    const { list, asked } = await open('/visit')
    list.next()
    await settle()
    list.filters.q = 'lake'
    await settle()
    expect([list.pageNumber.value, asked.at(-1)?.cursor]).toEqual([1, ''])
  })
  it('appends pages for phones, and starts over on reload', async () => {
    const { list } = await open('/visit')
    await list.more()
    expect(list.items.value).toEqual([0, 1, 2, 3, 4, 5])
    await list.more()
    await list.more()
    expect([list.items.value.length, list.hasNext.value]).toEqual([7, false])
    await list.query.reload()
    expect([list.items.value, list.hasNext.value]).toEqual([[0, 1, 2], true])
  })
  it('keeps the rows when a further page fails', async () => {
    let broken = false
    const { list } = await open('/visit', () => broken)
    broken = true
    await list.more()
    expect([list.items.value, list.query.error.value?.message]).toEqual([[0, 1, 2], 'busy'])
  })
  it('follows the browser back to other filters', async () => {
    const { list, asked, router } = await open('/visit?q=lake')
    await router.push('/visit?q=hill')
    await settle()
    expect([list.filters.q, asked.at(-1)?.filters.q]).toEqual(['hill', 'hill'])
  })
})
