// @vitest-environment jsdom
import { describe, expect, it } from 'vitest'
import { homePath, safeTarget } from './router'
import { itemAt, pillarsOf } from './shell/menu'

const item = (room: string, path: string, pillar = 'portal') => ({ room, pillar, name: room, path, title: room })

describe('safeTarget', () => {
  it.each([
    ['/library?q=a', '/library?q=a'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['https://evil.example', '/'],
    ['/signin?to=/x', '/'],
    [undefined, '/'],
    [['/a', '/b'], '/'],
  ])('%s → %s', (to, path) => expect(safeTarget(to)).toBe(path))
})

describe('homePath', () => {
  it('is the workbench', () => expect(homePath([item('library', '/library'), item('desk', '/desk')])).toBe('/desk'))
  it('is the first page without one', () => expect(homePath([item('notify', '/notify'), item('audit', '/audit/log')])).toBe('/audit/log'))
  it('is the own account without any', () => expect(homePath([])).toBe('/me'))
})

describe('menu', () => {
  it('groups by pillar in the order of the server', () => {
    const groups = pillarsOf([item('desk', '/desk'), item('library', '/library', 'datahub'), item('chat', '/chat')])
    expect(groups.map((p) => [p.name, p.items.map((i) => i.room)])).toEqual([['portal', ['desk', 'chat']], ['datahub', ['library']]])
  })
  it('finds the line above an address, the nearest one', () => {
    const menu = [item('org', '/org'), item('org', '/org/people'), item('orgs', '/orgs')]
    expect(itemAt(menu, '/org/people/7')?.path).toBe('/org/people')
    expect(itemAt(menu, '/org/units')?.path).toBe('/org')
    expect(itemAt(menu, '/organ')).toBeUndefined()
  })
})
