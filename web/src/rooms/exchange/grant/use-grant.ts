import { computed, ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { api, ask } from '@/base/api'
import { useAddress } from '@/base/address'
import { text } from '@/base/i18n'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'

/** What is done to a grant with a reason. */
export type Verb = 'suspend' | 'resume' | 'revoke'

/** A grant with what the reader may do to it. */
export function useGrant() {
  const route = useRoute()
  const router = useRouter()
  const id = computed(() => String(route.params.id))
  const path = () => ({ path: { id: id.value } })
  const grant = useQuery((signal) => ask(api.GET('/api/exchange/grants/{id}', { params: path(), signal })), [id], { topics: ['exchange.grant'] })
  const tab = useAddress('tab', 'terms')
  const tabs = computed(() => ['terms', 'usage', ...(grant.data.value?.mayUse && grant.data.value.modes.includes('api') ? ['program'] : []), ...(grant.data.value?.mayUse && grant.data.value.modes.includes('push') ? ['delivery'] : [])])
  const doing = ref<Verb>()
  const reason = ref('')
  const begin = (verb: Verb) => {
    act.clear()
    reason.value = ''
    doing.value = verb
  }
  const act = useAction(async () => {
    const verb = doing.value!
    const body = { reason: reason.value.trim(), version: grant.data.value!.version }
    const routes = { suspend: '/api/exchange/grants/{id}/suspend', resume: '/api/exchange/grants/{id}/resume', revoke: '/api/exchange/grants/{id}/revoke' } as const
    await ask(api.POST(routes[verb], { params: path(), body }))
    toast(text(`exchange.did.${verb}`))
    doing.value = undefined
    announce('exchange.grants')
    await grant.reload()
  })
  const renew = useAction(async () => {
    const draft = await ask(api.POST('/api/exchange/grants/{id}/renew', { params: path() }))
    await router.push(`/exchange/applications/${draft.id}`)
  })
  return { id, grant, tab, tabs, doing, reason, begin, act, renew }
}
