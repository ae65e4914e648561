/** One reason the server gave for one place of the input. */
export interface FieldReason {
  name: string // form field or column, '' for the whole input
  row?: number // 1-based row of a file
  message: string
}

/** The body of an RFC 9457 problem as our server writes it. Every member may be missing when a proxy answered instead. */
export interface ProblemBody {
  title?: string
  detail?: string
  status?: number
  trace?: string
  traceId?: string
  errors?: { message?: string; location?: string; name?: string; row?: number }[] | null
}

/** A failed request in words for people. status 0 means that no answer came. The message is empty when the server gave
 *  no words; the view then says it in its own (see ErrorState). */
export class Problem extends Error {
  readonly status: number
  readonly trace: string
  readonly reasons: FieldReason[]

  constructor(status: number, message: string, trace = '', reasons: FieldReason[] = []) {
    super(message)
    this.name = 'Problem'
    this.status = status
    this.trace = trace
    this.reasons = reasons
  }

  /** No answer came: the request may or may not have been carried out. */
  get offline(): boolean {
    return this.status === 0
  }

  /** The reason for one form field, '' when there is none. */
  reason(field: string): string {
    return this.reasons.find((r) => r.name === field)?.message ?? ''
  }
}

/** The last part of a location: body.admins[0].account stays admins[0].account; query.q becomes q. */
function fieldOf(location: string): string {
  return location.replace(/^(body|query|path|header)\.?/, '')
}

/** Builds a Problem from an answer's status and body. */
export function problemOf(status: number, body: ProblemBody | null, traceHeader = ''): Problem {
  const reasons = (body?.errors ?? []).map((e) => ({
    name: e.name ?? fieldOf(e.location ?? ''),
    row: e.row,
    message: e.message ?? '',
  }))
  const trace = body?.trace ?? body?.traceId ?? traceHeader
  return new Problem(status, body?.detail ?? body?.title ?? '', trace, reasons)
}

/** Turns whatever was thrown into a Problem, so that views know one kind of failure. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown
  return new Problem(0, thrown instanceof Error && thrown.name !== 'TypeError' ? thrown.message : '')
}
