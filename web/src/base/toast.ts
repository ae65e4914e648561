import { reactive, readonly } from 'vue'

/** A short message at the foot of the page. */
export interface Toast {
  id: number
  words: string
  tone: 'info' | 'success' | 'warning' | 'danger'
  undo?: () => void
}

const showing = reactive<Toast[]>([])
let last = 0

/** The toasts on show; ToastHost draws them. */
export const toasts = readonly(showing)

/** Shows words for six seconds, ten when they warn; with undo, a button takes the deed back. */
export function toast(words: string, options: { tone?: Toast['tone']; undo?: () => void } = {}): void {
  const made: Toast = { id: ++last, words, tone: options.tone ?? 'success', undo: options.undo }
  showing.push(made)
  const calm = made.tone === 'success' || made.tone === 'info'
  setTimeout(() => dismiss(made.id), calm ? 6000 : 10_000)
}

/** Takes a toast away. */
export function dismiss(id: number): void {
  const at = showing.findIndex((t) => t.id === id)
  if (at >= 0) showing.splice(at, 1)
}
