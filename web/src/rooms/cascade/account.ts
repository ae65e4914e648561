import type { components } from '@/api.gen'

type Finding = components['schemas']['CascadeFinding']

/** A count as people read it. */
export const count = (n: number) => n.toLocaleString('en-US')

const rank = { bad: 0, warn: 1, ok: 2 }

/** Findings, the worst first, else in their order. */
export const findingsFirst = (all: Finding[]) => [...all].sort((a, b) => rank[a.kind] - rank[b.kind])
