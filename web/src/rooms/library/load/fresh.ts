import type { Load } from '../states'

// Sample rows come only with the answer to a look at the file. They are handed from the upload to the page of the load, once,
// and kept nowhere else.
let fresh: Load | undefined

/** Keeps the answer for the page that opens next. */
export function keepFresh(load: Load): void {
  fresh = load
}

/** Takes the answer out, if it is of this load. */
export function takeFresh(id: string): Load | undefined {
  const found = fresh?.id === id ? fresh : undefined
  fresh = undefined
  return found
}

/** Forgets it. */
export function dropFresh(): void {
  fresh = undefined
}
