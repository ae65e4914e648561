import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useQuery } from '@/base/query'

type Schemas = components['schemas']
/** One element of the diagram. */
export type Node = Schemas['FlowNode']
/** One deed the reader may do now. */
export type Can = Schemas['FlowCan']
/** One entry of the trace. */
export type Trace = Schemas['FlowTrace']

/** A case with its trace and its diagram. */
export function useCase(id: () => string) {
  const call = () => ({ params: { path: { id: id() } } })
  const options = { topics: ['flow.boxes', 'flow.case'] }
  return {
    found: useQuery((signal) => ask(api.GET('/api/flow/cases/{id}', { ...call(), signal })), [id], options),
    trace: useQuery((signal) => ask(api.GET('/api/flow/cases/{id}/trace', { ...call(), signal })), [id], options),
    diagram: useQuery((signal) => ask(api.GET('/api/flow/cases/{id}/diagram', { ...call(), signal })), [id], options),
  }
}
