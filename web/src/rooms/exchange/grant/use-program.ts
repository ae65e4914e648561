import { reactive, ref, shallowRef } from 'vue'
import type { components } from '@/api.gen'
import { api, ask, send } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { text } from '@/base/i18n'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'

/** A key as it is listed. */
export type Key = components['schemas']['ExchangeKeyLine']
/** What was given to somebody who tried a resource out. */
export type Tried = components['schemas']['ExchangeTried']

/** The keys of a grant, and the resource as its program is given it. */
export function useProgram(id: string) {
  const path = { path: { id } }
  const keys = useQuery((signal) => ask(api.GET('/api/exchange/grants/{id}/keys', { params: path, signal })), [], { topics: ['exchange.keys'] })
  const form = reactive({ open: false, program: '', addresses: '' })
  const made = ref<{ id: string; secret: string }>()
  const make = useAction(async () => {
    const key = await ask(api.POST('/api/exchange/grants/{id}/keys', { params: path, body: { program: form.program.trim(), addresses: form.addresses.split(/[\s,;\u3001\uff0c\uff1b]+/u).filter(Boolean) } }))
    made.value = { id: key.id, secret: key.secret }
    Object.assign(form, { open: false, program: '', addresses: '' })
    await keys.reload()
  })
  const revoke = useAction(async (key: Key) => {
    const yes = await confirmDeed({ title: text('exchange.revokeKey', [key.program]), words: text('exchange.revokeKeyWords'), verb: text('exchange.revokeVerb'), danger: true })
    if (!yes) return
    await ask(api.DELETE('/api/exchange/keys/{id}', { params: { path: { id: key.id } } }))
    toast(text('exchange.keyRevoked', [key.program]))
    await keys.reload()
  })
  const wanted = reactive({ filter: '', limit: 5 })
  const tried = shallowRef<Tried>()
  const attempt = useAction(async () => {
    tried.value = await ask(api.POST('/api/exchange/grants/{id}/try', { params: path, body: { filter: wanted.filter.split('\n').map((one) => one.trim()).filter(Boolean), limit: wanted.limit } }))
  })
  const document = useQuery((signal) => send<Record<string, unknown>>('GET', `/api/exchange/grants/${id}/openapi.json`, { signal }))
  return { keys, form, made, make, revoke, wanted, tried, attempt, document }
}
