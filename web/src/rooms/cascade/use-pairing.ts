import { reactive, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import type { Party } from '@/kernel/party/use-party-search'
import type { NodeFull } from './model'

/** This node's card and the peers, for the system administrator. */
export function usePairing() {
  const { t } = useI18n()
  const pairing = useQuery((signal) => ask(api.GET('/api/cascade/pairing', { signal })), [], { topics: ['cascade'] })
  const self = reactive({ code: '', name: '' })
  const naming = ref(false)
  const name = () => {
    Object.assign(self, { code: pairing.data.value?.self.code ?? '', name: pairing.data.value?.self.name ?? '' })
    naming.value = true
  }
  const saveSelf = useAction(async () => {
    await ask(api.PUT('/api/cascade/self', { body: { ...self, version: pairing.data.value?.self.version ?? 0 } }))
    naming.value = false
    announce('cascade')
    toast(t('cascade.pairing.named'))
  })
  return { pairing, self, naming, name, saveSelf, edited: ref<NodeFull | 'new'>(), token: ref('') }
}

/** The form of one peer. */
export function useNodeForm(node: NodeFull | undefined, done: (token: string) => void) {
  const { t } = useI18n()
  const form = reactive({
    code: node?.code ?? '', name: node?.name ?? '', role: node?.role ?? 'upper', publicKey: node?.publicKey ?? '', transport: node?.transport ?? 'https', url: node?.url ?? '',
    ca: node?.ca ?? '', pin: node?.pin ?? '', token: '', out: node?.out ?? '', in: node?.in ?? '', paused: node?.state === 'paused',
  })
  const unit = ref<Party | null>(node?.unit ? { id: node.unit, name: node.unitName, detail: '' } : null)
  const save = useAction(async () => {
    const body = { ...form, unit: unit.value?.id ?? '', version: node?.version ?? 0 }
    const made = node ? await ask(api.PUT('/api/cascade/nodes/{id}', { params: { path: { id: node.id } }, body })) : await ask(api.POST('/api/cascade/nodes', { body }))
    announce('cascade')
    toast(t('cascade.pairing.saved', [form.name]))
    done(made.token)
  })
  const fault = (name: string) => save.error.value?.reason(name)
  return { form, unit, save, fault }
}
