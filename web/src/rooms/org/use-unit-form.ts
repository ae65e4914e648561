import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { useVersioned, type Draft, type Versioned } from '@/base/versioned'
import { joinAliases, rankOf, rankText, splitAliases, type Kind, type Unit } from './model'
import { fetchUnit } from './use-unit'

/** What the form of a unit holds, all as text. since only where a unit is made. */
export interface UnitDraft extends Draft {
  name: string
  kind: string
  short: string
  aliases: string
  code: string
  rank: string
  street: string
  since: string
}

function draftOf(unit: Unit): Versioned<UnitDraft> {
  const { name, kind, short, aliases, code, rank, streetOwn } = unit
  return { version: unit.version, draft: { name, kind, short, aliases: joinAliases(aliases), code, rank: rankText(rank), street: streetOwn, since: '' } }
}

const empty: Versioned<UnitDraft> = { version: 0, draft: { name: '', kind: 'section', short: '', aliases: '', code: '', rank: '', street: '', since: '' } }

/** The form of a unit: of one that is there, or of a new one below parent. done is called with the unit's id. */
export function useUnitForm(unit: Unit | undefined, parent: string, done: (id: string) => void) {
  const { t } = useI18n()
  async function write(draft: UnitDraft, version: number): Promise<void> {
    const { name, short, code, street } = draft
    const body = { name, short, code, street, kind: draft.kind as Kind, aliases: splitAliases(draft.aliases), rank: rankOf(draft.rank) }
    const saved = unit
      ? await ask(api.PUT('/api/org/units/{id}', { params: { path: { id: unit.id } }, body: { ...body, version } }))
      : await ask(api.POST('/api/org/units', { body: { ...body, parent, since: draft.since } }))
    toast(t(unit ? 'org.unit.saved' : 'org.unit.made', [name]))
    announce('org.unit')
    done(saved.id)
  }
  return useVersioned<UnitDraft>(unit ? draftOf(unit) : empty, write, async () => draftOf(await fetchUnit(unit?.id ?? '')))
}
