// @vitest-environment jsdom
import { match } from 'pinyin-pro'
import { describe, expect, it } from 'vitest'
import { answers, entriesOf } from './use-palette'
import { isTyping } from './use-shell-keys'

const pinyin = (title: string, typed: string) => match(title, typed, { continuous: true, lastPrecision: 'start' }) !== null
const found = (title: string, typed: string) => answers({ title, detail: '' }, typed, pinyin)

describe('answers', () => {
  it.each([
    ['数据资源', '', true],
    ['数据资源', '资源', true],
    ['数据资源', 'sjzy', true],
    ['数据资源', 'shuju', true],
    ['数据资源', 'shu ju', true],
    ['数据资源', 'zy', true],
    ['数据资源', 'sz', false],
    ['数据资源', '走访', false],
    ['Library', 'LIB', true],
  ])('%s by "%s": %s', (title, typed, yes) => expect(found(title, typed)).toBe(yes))
})

describe('entriesOf', () => {
  const hit = (id: string, link: string) => ({ id, title: id, where: '', link })
  it('keeps what a page shows, in the order of the kinds', () => {
    const groups = [{ kind: 'dataset', hits: [hit('d', '/library/datasets/d')] }, { kind: 'org_person', hits: [hit('p', '/org/people/p'), hit('x', '/away')] }, { kind: 'other', hits: [hit('o', '/o')] }]
    const opened: string[] = []
    const all = entriesOf(groups, (path) => path !== '/away', (path) => opened.push(path))
    expect(all.map((entry) => entry.id)).toEqual(['org_person-p', 'dataset-d'])
    all[1]!.run()
    expect(opened).toEqual(['/library/datasets/d'])
  })
})

describe('isTyping', () => {
  const press = (target: HTMLElement, init: KeyboardEventInit = {}) => {
    const event = new KeyboardEvent('keydown', { key: 'g', ...init })
    Object.defineProperty(event, 'target', { value: target })
    return isTyping(event)
  }
  it('is true in a field and while an input method composes', () => {
    expect(press(document.createElement('input'))).toBe(true)
    expect(press(document.createElement('textarea'))).toBe(true)
    expect(press(document.body, { isComposing: true })).toBe(true)
    expect(press(document.body, { keyCode: 229 } as KeyboardEventInit)).toBe(true)
  })
  it('is false on the page and on a button', () => {
    expect(press(document.body)).toBe(false)
    expect(press(document.createElement('button'))).toBe(false)
  })
})
