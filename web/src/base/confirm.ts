import { shallowRef } from 'vue'

/** What to ask before a deed. */
export interface Question {
  title: string // names the deed and its object: 注销“李明”的账号
  words?: string // what will happen, and whether it can be undone
  verb: string // the button: the deed's verb, never 确定
  danger?: boolean
  typed?: string // for irreversible deeds: the name the person must type
}

/** The question on show and how to answer it; ConfirmHost draws it. */
export interface Asked extends Question {
  answer: (yes: boolean) => void
}

/** The question on show, null when there is none. */
export const asked = shallowRef<Asked | null>(null)

/** Asks, and resolves with whether the person agreed. A second question closes the first with no. */
export function confirmDeed(question: Question): Promise<boolean> {
  asked.value?.answer(false)
  return new Promise((resolve) => {
    asked.value = {
      ...question,
      answer: (yes) => {
        asked.value = null
        resolve(yes)
      },
    }
  })
}
