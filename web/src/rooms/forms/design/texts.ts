import type { Draft } from './model'

/** Words of a declaration that people read, and where they stand: "fields[2].options[0].title". */
export interface Shown {
  path: string
  words: { zh: string; en?: string }
}

/** All the words of a declaration that may have English beside the Chinese, in the order of its parts. */
export function shownTexts(draft: Draft): Shown[] {
  const out: Shown[] = []
  const walk = (value: unknown, path: string) => {
    if (Array.isArray(value)) return value.forEach((one, i) => walk(one, `${path}[${i}]`))
    if (value === null || typeof value !== 'object') return
    if (typeof (value as Shown['words']).zh === 'string') {
      if ((value as Shown['words']).zh) out.push({ path, words: value as Shown['words'] })
      return
    }
    for (const [key, one] of Object.entries(value)) walk(one, path ? `${path}.${key}` : key)
  }
  walk(draft, '')
  return out
}
