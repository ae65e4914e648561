import { computed, inject, provide, type InjectionKey, type Ref } from 'vue'
import type { Finding } from './model'

const key: InjectionKey<Readonly<Ref<Finding[]>>> = Symbol('findings')

/** Lets every part of the designer say beside its field what is wrong there. */
export const provideFindings = (all: Readonly<Ref<Finding[]>>) => provide(key, all)

/** What is wrong at a place of the declaration, or below it; empty when nothing is. */
export function useSaid(path: () => string | undefined) {
  const all = inject(key, undefined)
  return computed(() => {
    const at = path()
    if (!at || !all) return ''
    return all.value.filter((one) => one.path === at || one.path.startsWith(`${at}.`) || one.path.startsWith(`${at}[`)).map((one) => one.message).join(' ')
  })
}
