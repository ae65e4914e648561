import type { Problem } from '@/base/problem'

/** What the page of a case asks of the form of its step: the room that hosts the case gives it. */
export interface StepForm {
  /** Whether a deed may go: false when something is missing, which the form then shows. */
  check: () => Promise<boolean>
  /** What was filled in at this step, undefined where nothing is to be. */
  values: () => Record<string, unknown> | undefined
  /** Takes what the server refused; true when the form shows the reasons. */
  refused: (problem: Problem) => boolean
}
