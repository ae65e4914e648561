import { computed, reactive, ref, shallowRef, watch, type ComputedRef, type Ref } from 'vue'
import { api, ask } from '@/base/api'
import { asProblem, type Problem } from '@/base/problem'
import { empty, type App, type Data, type Field, type Rights } from '../model'
import type { Form } from './context'

const pause = 350 // milliseconds after the last change before the rules are asked
const settle = 250 // … after a field was left before its fault shows: words that appear under a finger would take the press away

/** What a form is filled in for. */
export interface FillOptions {
  app: App
  rights: Rights
  data: Data // what it begins with
  entry?: string
  number?: number
  dry?: boolean // rules are not asked: a preview
}

/** A form being filled in. */
export interface Fill {
  mark: number // another for each
  form: Form
  values: Data // reactive
  set: (key: string, value: unknown) => void // what was wrong with it counts no more until the rules have been asked
  computed: Ref<Data>
  visible: ComputedRef<Field[]> // with what may be written, or has something to read
  writes: (key: string) => boolean
  faults: ComputedRef<{ path: string; words: string }[]> // what is wrong now, as far as it is to be shown
  failed: Ref<Problem | null> // the rules could not be asked
  changed: Ref<boolean>
  uploading: Ref<number>
  said: () => Data // what may be written, as it stands
  check: () => Promise<boolean>
  refused: (problem: Problem) => boolean
}

let marks = 0
const copy = (data: Data): Data => JSON.parse(JSON.stringify(data)) as Data

/** Keeps what is typed, asks the server's rules what follows from it, and says what is wrong once the person has left a field. */
export function useFill(options: FillOptions): Fill {
  const values = reactive(copy(options.data))
  const worked = shallowRef<Data>({})
  const shown = shallowRef<Set<string>>()
  const needed = shallowRef(new Set<string>())
  const found = shallowRef(new Map<string, string>())
  const left = reactive(new Set<string>())
  const all = ref(false) // every fault is shown
  const failed = shallowRef<Problem | null>(null)
  const changed = ref(false)
  const uploading = ref(0)
  let asking: AbortController | undefined

  const writes = (key: string) => options.rights[key] === 'write' || options.rights[key] === 'need'
  const said = () => Object.fromEntries(options.app.fields.filter((field) => writes(field.key) && field.type !== 'computed').map((field) => [field.key, values[field.key] ?? null]))

  async function evaluate(): Promise<void> {
    if (options.dry) return
    asking?.abort()
    const mine = (asking = new AbortController())
    const answer = await ask(api.POST('/api/forms/apps/{key}/evaluate', { params: { path: { key: options.app.key } }, body: { data: said(), entry: options.entry }, signal: mine.signal }))
    if (asking !== mine) return
    worked.value = answer.computed
    shown.value = new Set(answer.shown)
    needed.value = new Set(answer.needed)
    found.value = new Map(answer.faults.map((fault) => [fault.path, fault.message]))
    failed.value = null
  }
  const quietly = () => evaluate().catch((thrown: unknown) => {
    if (!(thrown instanceof DOMException)) failed.value = asProblem(thrown)
  })

  watch(values, (_now, _before, clean) => {
    changed.value = true
    const timer = setTimeout(() => void quietly(), pause)
    clean(() => clearTimeout(timer))
  }, { deep: true })
  void quietly()

  const top = (path: string) => path.split(/[.[]/)[0]!
  const told = (path: string) => all.value || left.has(path) || left.has(top(path))
  const isShown = (field: Field) => options.rights[field.key] !== 'hide' && (shown.value?.has(field.key) ?? !field.show)

  return {
    mark: ++marks,
    values, computed: worked, writes, failed, changed, uploading, said,
    visible: computed(() => options.app.fields.filter((field) => isShown(field) && (writes(field.key) || !empty(worked.value[field.key]) || (options.entry !== undefined && !empty(values[field.key]))))),
    faults: computed(() => [...found.value].filter(([path]) => told(path)).map(([path, text]) => ({ path, words: text }))),
    set(key, value) {
      values[key] = value
      if ([...found.value.keys()].some((path) => top(path) === key)) found.value = new Map([...found.value].filter(([path]) => top(path) !== key))
    },
    form: {
      app: options.app.key,
      entry: options.entry,
      number: options.number,
      fault: (path) => (told(path) ? (found.value.get(path) ?? '') : ''),
      needed: (path) => (options.dry ? Boolean(options.app.fields.find((field) => field.key === path)?.required) : needed.value.has(path)),
      touched: (path) => void setTimeout(() => left.add(path), settle),
      value: (key) => values[key],
      working: (change) => (uploading.value += change),
    },
    async check() {
      all.value = true
      if (uploading.value > 0) return false
      try {
        await evaluate()
      } catch (thrown) {
        failed.value = asProblem(thrown)
        return false
      }
      if (found.value.size === 0) return true
      await toFirst([...found.value.keys()])
      return false
    },
    refused(problem) {
      const reasons = problem.reasons.filter((reason) => options.app.fields.some((field) => field.key === top(reason.name)))
      if (!reasons.length) return false
      all.value = true
      found.value = new Map(reasons.map((reason) => [reason.name, reason.message]))
      void toFirst([...found.value.keys()])
      return true
    },
  }
}

/** Brings the first field with a fault into view and gives it the focus. */
async function toFirst(paths: string[]): Promise<void> {
  await new Promise(requestAnimationFrame)
  const first = [...document.querySelectorAll<HTMLElement>('[data-field]')].find((element) => paths.some((path) => path === element.dataset.field || path.startsWith(`${element.dataset.field}[`) || path.startsWith(`${element.dataset.field}.`)))
  if (!first) return
  first.scrollIntoView({ block: 'center' })
  first.querySelector<HTMLElement>('input, select, textarea, button')?.focus({ preventScroll: true })
}
