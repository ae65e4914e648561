import { reactive, shallowRef, type Reactive, type ShallowRef } from 'vue'
import { Problem } from './problem'
import { useAction, type Action } from './query'

/** The values of a form, flat, so that they can be compared one by one. */
export type Draft = Record<string, string | number | boolean>

/** Values and the version they belong to. */
export interface Versioned<D extends Draft> {
  draft: D
  version: number
}

/** One value that somebody else changed while the form was open. clash: the person at the form had changed it too. */
export interface Change {
  field: string
  before: Draft[string] | undefined // undefined where the field was not there
  now: Draft[string] | undefined
  clash: boolean
}

/** What a form holds after somebody else has saved: his values where only he changed them, the person's own where she did;
 *  and what he changed. base is what both began with. */
export function merge<D extends Draft>(base: D, mine: D, theirs: D): { draft: D; changes: Change[] } {
  const draft = { ...theirs } as Draft
  const changes: Change[] = []
  for (const field of new Set([...Object.keys(base), ...Object.keys(mine), ...Object.keys(theirs)])) {
    const touched = mine[field] !== base[field]
    if (theirs[field] !== base[field]) changes.push({ field, before: base[field], now: theirs[field], clash: touched && mine[field] !== theirs[field] })
    if (!touched) continue
    if (mine[field] === undefined) delete draft[field]
    else draft[field] = mine[field]
  }
  return { draft: draft as D, changes }
}

/** A form over something that carries a version. */
export interface VersionedForm<D extends Draft> {
  draft: Reactive<D>
  changes: ShallowRef<Change[]> // what somebody else changed, empty as long as nobody did; draw it with <Overtaken>
  save: Action<[], void>
  touched: () => boolean
}

/** Keeps a draft of something with a version. When the server answers 409 because somebody else saved first, it fetches what
 *  stands there now, puts both together (see merge) and tells what changed instead of the refusal; the next save is made
 *  knowing that. write sends the draft and does what follows success; again fetches. */
export function useVersioned<D extends Draft>(start: Versioned<D>, write: (draft: D, version: number) => Promise<void>, again: () => Promise<Versioned<D>>): VersionedForm<D> {
  const draft = reactive({ ...start.draft }) as Reactive<D>
  const changes = shallowRef<Change[]>([])
  let base = start

  /** Takes over what somebody else saved; false when nobody did and the refusal has another reason. */
  async function overtaken(): Promise<boolean> {
    const fresh = await again()
    if (fresh.version === base.version) return false
    const merged = merge(base.draft, { ...draft } as D, fresh.draft)
    for (const field of Object.keys(draft)) if (!(field in merged.draft)) delete (draft as Draft)[field]
    Object.assign(draft, merged.draft)
    changes.value = merged.changes
    base = fresh
    return true
  }
  const save = useAction(async () => {
    try {
      await write({ ...draft } as D, base.version)
    } catch (thrown) {
      const taken = thrown instanceof Problem && thrown.status === 409 && (await overtaken())
      if (!taken) throw thrown
      if (changes.value.length === 0) await write({ ...draft } as D, base.version) // nothing that stands in this form
    }
  })
  const touched = () => [...new Set([...Object.keys(draft), ...Object.keys(base.draft)])].some((field) => (draft as Draft)[field] !== base.draft[field])
  return { draft, changes, save, touched }
}
