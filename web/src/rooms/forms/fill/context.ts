import { inject, provide, type InjectionKey } from 'vue'

/** What the parts of one form know of it. Paths are those the server names reasons by: title, parties[0].name. */
export interface Form {
  app: string
  entry?: string // id, once it is kept
  number?: number
  fault: (path: string) => string // words, '' for none to be shown
  needed: (path: string) => boolean
  touched: (path: string) => void // the person has left the field
  value: (key: string) => unknown // of another field
  reveal?: (path: string, reason: string) => Promise<string>
  working: (change: number) => void // an upload began (+1) or ended (-1)
}

const key: InjectionKey<Form> = Symbol('form')

export const provideForm = (form: Form): void => provide(key, form)
export function useForm(): Form {
  const form = inject(key)
  if (!form) throw new Error('a part of a form stands outside one')
  return form
}
