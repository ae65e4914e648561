// @vitest-environment jsdom
import { describe, expect, it } from 'vitest'
import { Problem } from './problem'
import { merge, useVersioned } from './versioned'

describe('merge', () => {
  const base = { name: '水务局', short: '水务', rank: 10 }
  it.each([
    ['nobody else changed anything', { ...base, short: '区水务' }, base, { ...base, short: '区水务' }, []],
    ['he changed what she did not', { ...base, short: '区水务' }, { ...base, rank: 20 }, { name: '水务局', short: '区水务', rank: 20 }, [{ field: 'rank', before: 10, now: 20, clash: false }]],
    ['both changed one value', { ...base, name: '区水务局' }, { ...base, name: '水务和湖泊局' }, { ...base, name: '区水务局' }, [{ field: 'name', before: '水务局', now: '水务和湖泊局', clash: true }]],
    ['both made the same change', { ...base, rank: 20 }, { ...base, rank: 20 }, { ...base, rank: 20 }, [{ field: 'rank', before: 10, now: 20, clash: false }]],
  ])('%s', (_, mine, theirs, draft, changes) => expect(merge(base, mine, theirs)).toEqual({ draft, changes }))

  it('knows values that come and go', () => {
    expect(merge<Record<string, string>>({ a: 'unit', b: 'unit' }, { a: 'unit', c: 'all' }, { a: 'unit', b: 'unit', d: 'self' })).toEqual({
      draft: { a: 'unit', c: 'all', d: 'self' },
      changes: [{ field: 'd', before: undefined, now: 'self', clash: false }],
    })
  })
})

describe('useVersioned', () => {
  const conflict = new Problem(409, 'changed')

  it('saves again over what somebody else saved', async () => {
    const stored = { draft: { name: 'a', short: 'x' }, version: 1 }
    const write = async (draft: { name: string; short: string }, version: number) => {
      if (version !== stored.version) throw conflict
      Object.assign(stored, { draft, version: version + 1 })
    }
    const form = useVersioned({ draft: { name: 'a', short: 'x' }, version: 1 }, write, async () => ({ draft: { ...stored.draft }, version: stored.version }))
    expect(form.touched()).toBe(false)
    form.draft.name = 'b'
    expect(form.touched()).toBe(true)
    Object.assign(stored, { draft: { name: 'a', short: 'y' }, version: 2 })
    await form.save.run()
    expect(form.save.error.value).toBeNull()
    expect(stored.version).toBe(2)
    expect(form.changes.value).toEqual([{ field: 'short', before: 'x', now: 'y', clash: false }])
    await form.save.run()
    expect(form.save.error.value).toBeNull()
    expect(stored).toEqual({ draft: { name: 'b', short: 'y' }, version: 3 })
  })

  it('saves at once over a change that does not show in the form', async () => {
    const versions: number[] = []
    const write = async (_: { name: string }, version: number) => {
      versions.push(version)
      if (version === 1) throw conflict
    }
    const form = useVersioned({ draft: { name: 'a' }, version: 1 }, write, async () => ({ draft: { name: 'a' }, version: 2 }))
    form.draft.name = 'b'
    await form.save.run()
    expect([versions, form.changes.value, form.save.error.value]).toEqual([[1, 2], [], null])
  })

  it('takes another refusal as what it is', async () => {
    const form = useVersioned({ draft: { name: 'a' }, version: 1 }, () => Promise.reject(conflict), async () => ({ draft: { name: 'a' }, version: 1 }))
    await form.save.run()
    expect(form.changes.value).toEqual([])
    expect(form.save.error.value).toBe(conflict)
  })
})
