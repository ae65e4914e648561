import { createI18n } from 'vue-i18n'

/** The languages, in the order they are offered. */
export const languages = ['zh-CN', 'en'] as const
/** One of the languages. */
export type Language = (typeof languages)[number]

type Texts = Record<string, string>
type Loader = () => Promise<{ default: Texts }>
/** The two text files of a floor or room. */
export interface TextFiles {
  zh: Loader
  en: Loader
}

const storageKey = 'qushu.lang'

/** The vue-i18n instance. Texts are flat objects, key → words, the key starting with the name of its room: "library.title". */
export const i18n = createI18n({
  legacy: false,
  locale: 'zh-CN',
  fallbackLocale: 'zh-CN',
  missingWarn: import.meta.env.DEV,
  fallbackWarn: false,
  messageResolver: (texts, key) => (texts as Texts)[key] ?? null,
})

const wanted = new Map<string, TextFiles>()
const loaded = new Set<string>()

/** The language in use. */
export function language(): Language {
  return i18n.global.locale.value as Language
}

/** Words outside a component; in a component use useI18n(). */
export function text(key: string, args: unknown[] | Record<string, unknown> = []): string {
  return Array.isArray(args) ? i18n.global.t(key, args) : i18n.global.t(key, args)
}

/** Loads the texts of one floor or room in the language in use, and again when the language changes. */
/** Whether there is a text of a key. */
export const has = (key: string): boolean => i18n.global.te(key)

export async function loadTexts(name: string, files: TextFiles): Promise<void> {
  wanted.set(name, files)
  const lang = language()
  const mark = `${name} ${lang}`
  if (loaded.has(mark)) return
  const file = await (lang === 'en' ? files.en : files.zh)()
  i18n.global.mergeLocaleMessage(lang, file.default)
  loaded.add(mark)
}

/** Changes the language of the page and remembers it in this browser. */
export async function setLanguage(lang: Language, remember = true): Promise<void> {
  i18n.global.locale.value = lang
  document.documentElement.lang = lang
  if (remember) localStorage.setItem(storageKey, lang)
  await Promise.all([...wanted].map(([name, files]) => loadTexts(name, files)))
}

/** The language remembered in this browser, else the browser's own, else Chinese. */
export function preferredLanguage(): Language {
  const remembered = localStorage.getItem(storageKey)
  if (remembered === 'zh-CN' || remembered === 'en') return remembered
  return navigator.language.toLowerCase().startsWith('en') ? 'en' : 'zh-CN'
}
