import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'
import type { Relation, Unit } from './model'

/** One unit as it stands today. */
export async function fetchUnit(id: string, signal?: AbortSignal): Promise<Unit> {
  return await ask(api.GET('/api/org/units/{id}', { params: { path: { id } }, signal }))
}

/** A unit with what may be done to it at once; forms have their own composables. */
export function useUnit(id: () => string) {
  const { t } = useI18n()
  const unit = useQuery((signal) => fetchUnit(id(), signal), [id], { topics: ['org.unit'] })

  const change = useAction(async (deed: () => Promise<unknown>, done: string) => {
    await deed()
    toast(done)
    announce('org.unit')
  })
  async function run(deed: () => Promise<unknown>, done: string) {
    await change.run(deed, done)
    if (change.error.value) toast(problemWords(change.error.value), { tone: 'danger' })
  }

  async function close(of: Unit) {
    if (!(await confirmDeed({ title: t('org.unit.closeTitle', [of.name]), words: t('org.unit.closeWords'), verb: t('org.unit.close'), danger: true }))) return
    await run(() => ask(api.POST('/api/org/units/{id}/close', { params: { path: { id: of.id } }, body: { version: of.version } })), t('org.unit.closed', [of.name]))
  }
  async function reopen(of: Unit) {
    if (!(await confirmDeed({ title: t('org.unit.reopenTitle', [of.name]), words: t('org.unit.reopenWords'), verb: t('org.unit.reopen') }))) return
    await run(() => ask(api.POST('/api/org/units/{id}/reopen', { params: { path: { id: of.id } }, body: { version: of.version } })), t('org.unit.reopened', [of.name]))
  }
  async function unrelate(relation: Relation) {
    const words = t('org.relation.endWords', [relation.fromName, relation.toName, t(`org.relation.${relation.kind}`)])
    if (!(await confirmDeed({ title: t('org.relation.endTitle'), words, verb: t('org.relation.end'), danger: true }))) return
    await run(() => ask(api.DELETE('/api/org/relations/{id}', { params: { path: { id: relation.id } } })), t('org.relation.ended'))
  }
  return { unit, busy: change.busy, close, reopen, unrelate }
}
