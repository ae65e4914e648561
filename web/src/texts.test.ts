// Every text exists in both languages, every key that is used exists, and no Chinese stands outside the text files.
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const src = dirname(fileURLToPath(import.meta.url))
const files = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(src, join(entry.parentPath, entry.name)))
const read = (file: string) => readFileSync(join(src, file), 'utf8')
const chinese = /[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]/u

const zhFiles = files.filter((file) => file.endsWith('zh.json'))
const sources = files.filter((file) => /\.(vue|ts)$/.test(file) && !/\.(test|gen)\.ts$/.test(file))

/** A source without its comments: what may end up on the screen. */
function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/<!--[\s\S]*?-->/g, '').replace(/(^|[\s;{}(,])\/\/.*$/gm, '$1')
}

describe.each(zhFiles)('%s', (file) => {
  const zh = JSON.parse(read(file)) as Record<string, string>
  const en = JSON.parse(read(file.replace('zh.json', 'en.json'))) as Record<string, string>
  const owner = file.startsWith('rooms') ? file.split('/')[1] : file.split('/')[0]

  it('has the same keys as en.json', () => expect(Object.keys(en).sort()).toEqual(Object.keys(zh).sort()))
  it('has the same arguments as en.json', () => {
    const args = (words: string) => [...new Set(words.match(/\{\w+\}/g))].sort()
    const differing = Object.keys(zh).filter((key) => String(args(zh[key]!)) !== String(args(en[key] ?? '')))
    expect(differing).toEqual([])
  })
  it('names its owner in every key', () => expect(Object.keys(zh).filter((key) => !key.startsWith(`${owner}.`))).toEqual([]))
  it('has no empty text', () => expect([...Object.entries(zh), ...Object.entries(en)].filter(([, words]) => words.trim() === '')).toEqual([]))
  it('keeps Chinese out of en.json', () => {
    const names = new Set(['kernel.look.otherLanguage']) // a language is offered in its own name
    expect(Object.keys(en).filter((key) => !names.has(key) && chinese.test(en[key]!.replace(/[“”]/g, '')))).toEqual([])
  })
})

describe('sources', () => {
  const all = new Set(zhFiles.flatMap((file) => Object.keys(JSON.parse(read(file)) as object)))

  it.each(sources)('%s holds no Chinese words', (file) => {
    const found = withoutComments(read(file)).split('\n').filter((line) => chinese.test(line))
    expect(found).toEqual([])
  })

  it('use only keys that exist', () => {
    const missing = sources.flatMap((file) =>
      [...withoutComments(read(file)).matchAll(/\b(?:t|text)\(\s*'([\w.]+)'/g)].map((m) => m[1]!).filter((key) => !all.has(key)).map((key) => `${file}: ${key}`),
    )
    expect(missing).toEqual([])
  })
})
