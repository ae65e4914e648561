// @vitest-environment jsdom
import { effectScope, nextTick, ref } from 'vue'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { Branch } from './model'
import { useTree } from './use-tree'

const unit = (id: string, parent: string, children = 0): Branch => ({ id, name: id, short: '', code: '', kind: 'section', parent, rank: 1, street: '', closed: false, children, people: 0 })
const asked: string[] = []
let wait: Promise<unknown> = Promise.resolve()

beforeEach(() => {
  asked.length = 0
  vi.stubGlobal('fetch', async (request: Request) => {
    const query = new URL(request.url).searchParams
    const parent = query.get('parent') ?? ''
    asked.push(`${parent}@${query.get('asOf') ?? 'today'}`)
    await wait
    const below: Record<string, Branch[]> = { '': [unit('top', '', 2)], top: [unit('a', 'top', 1), unit('b', 'top')], a: [unit('c', 'a')] }
    return new Response(JSON.stringify({ items: below[parent] ?? [] }), { headers: { 'Content-Type': 'application/json' } })
  })
})
afterEach(() => {
  vi.unstubAllGlobals()
  wait = Promise.resolve()
})

const ids = (tree: ReturnType<typeof useTree>) => tree.rows.value.map((row) => row.unit.id).join(' ')

it('opens a single top unit by itself, the rest when asked, and whatever stands above a unit', async () => {
  const scope = effectScope()
  const tree = scope.run(() => useTree(() => '', () => false))!
  await vi.waitFor(() => expect(ids(tree)).toBe('top a b'))
  await tree.reveal(['top', 'a'])
  expect(ids(tree)).toBe('top a c b')
  tree.close('top')
  expect(ids(tree)).toBe('top')
  await tree.openUnit('top')
  expect(ids(tree)).toBe('top a c b')
  expect(asked).toEqual(['@today', 'top@today', 'a@today'])
  scope.stop()
})

it('never shows one day’s chart under another day’s heading', async () => {
  const day = ref('')
  const scope = effectScope()
  const tree = scope.run(() => useTree(() => day.value, () => false))!
  await vi.waitFor(() => expect(ids(tree)).toBe('top a b'))
  let answer = () => {}
  wait = new Promise<void>((resolve) => (answer = resolve))
  day.value = '2022-12-31'
  await nextTick()
  expect([ids(tree), tree.loading.value]).toEqual(['', true])
  answer()
  await vi.waitFor(() => expect(ids(tree)).toBe('top a b'))
  expect(asked.slice(2).sort()).toEqual(['@2022-12-31', 'top@2022-12-31'])
  scope.stop()
})

it('says why the chart cannot be had, and shows it once it can', async () => {
  vi.stubGlobal('fetch', async () => { throw new TypeError('down') })
  const scope = effectScope()
  const tree = scope.run(() => useTree(() => '', () => false))!
  await vi.waitFor(() => expect(tree.problem.value?.offline).toBe(true))
  vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ items: [] }), { headers: { 'Content-Type': 'application/json' } }))
  await tree.reload()
  expect([tree.problem.value, tree.loading.value]).toEqual([null, false])
  scope.stop()
})
