import { asProblem, type Problem } from '@/base/problem'

/** How far the server has an upload. */
export interface Progress {
  id: string
  size: number
  received: number
  chunk: number // most bytes of one chunk
}

/** The way to the server; use-upload.ts has the real one. */
export interface Road {
  begin: (name: string, size: number, signal: AbortSignal) => Promise<Progress>
  ask: (id: string, signal: AbortSignal) => Promise<Progress>
  put: (id: string, offset: number, chunk: Blob, signal: AbortSignal) => Promise<Progress>
  done: (id: string, signal: AbortSignal) => Promise<string> // id of the file
  back: (problem: Problem, signal: AbortSignal) => Promise<void> // waits until it is worth trying again
}

/** What the sender tells while it is at work. */
export interface Report {
  progress: (at: Progress) => void
  waiting: (problem: Problem | null) => void // why it stands still, null when it goes on
}

const mib = 1024 * 1024
const mostRefusals = 6 // in a row, without a byte more at the server

/** Bytes of one chunk: a hundredth of the file, so that the bar moves and a cut loses little; whole mebibytes, at most what the server takes. */
export function pieceOf(size: number, most: number): number {
  return Math.min(most, Math.max(1, Math.ceil(size / 100 / mib)) * mib)
}

/** Failures that pass: no answer, not in step, too many requests, a server that restarts. */
export function passing(problem: Problem): boolean {
  return problem.offline || [409, 429, 502, 503, 504].includes(problem.status)
}

/** Sends a file in chunks, from where the server is. Every failure that passes is waited out; then the server is asked how far
 *  it is, and the rest is sent. Resolves with the id of the file; throws what does not pass, and AbortError when signal is aborted. */
export async function sendFile(file: Blob, name: string, road: Road, report: Report, signal: AbortSignal, known?: Progress): Promise<string> {
  const patient = <T>(call: () => Promise<T>) => insist(call, road, report, signal)
  let at = known ? await patient(() => road.ask(known.id, signal)) : await patient(() => road.begin(name, file.size, signal))
  report.progress(at)
  const piece = pieceOf(at.size, at.chunk)
  let refused = 0
  while (at.received < at.size) {
    const before = at.received
    try {
      at = await road.put(at.id, before, file.slice(before, Math.min(before + piece, at.size)), signal)
    } catch (thrown) {
      await pause(thrown, road, report, signal, refused)
      at = await patient(() => road.ask(at.id, signal))
    }
    refused = at.received > before ? 0 : refused + 1
    report.waiting(null)
    report.progress(at)
  }
  return patient(() => road.done(at.id, signal))
}

/** Waits after a failure that passes, throws one that does not. Without an answer it waits as long as it takes. */
async function pause(thrown: unknown, road: Road, report: Report, signal: AbortSignal, refused: number): Promise<void> {
  if (signal.aborted) throw thrown
  const problem = asProblem(thrown)
  if (!passing(problem) || (!problem.offline && refused >= mostRefusals)) throw problem
  report.waiting(problem)
  await road.back(problem, signal)
}

async function insist<T>(call: () => Promise<T>, road: Road, report: Report, signal: AbortSignal): Promise<T> {
  for (let refused = 0; ; refused++) {
    try {
      const answer = await call()
      report.waiting(null)
      return answer
    } catch (thrown) {
      await pause(thrown, road, report, signal, refused)
    }
  }
}
