import type { Run } from './states'

// The first rows of a list are shown once, to the person who has just uploaded it; they are handed from page to page here.
let kept: { id: string; rows: string[][] } | undefined

/** Keeps the rows an answer shows. */
export function keepSamples(run: Run): void {
  if (run.samples) kept = { id: run.id, rows: run.samples.map((row) => row ?? []) }
}

/** Takes the rows of a run, once. */
export function takeSamples(id: string): string[][] {
  const rows = kept?.id === id ? kept.rows : []
  kept = undefined
  return rows
}
