import { shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { useVersioned, type Draft, type Versioned } from '@/base/versioned'
import type { Party } from '@/kernel/party/use-party-search'
import { rankOf, type Person } from './model'
import { fetchPerson } from './use-person'

/** What the form of a person holds. mobile is '' for “as it was” where the person is there; dropMobile takes it away.
 *  title, rank, leader and since are of the main post, where the person is made. */
export interface PersonDraft extends Draft {
  name: string
  sex: string
  staffNo: string
  officePhone: string
  mobile: string
  dropMobile: boolean
  title: string
  rank: string
  leader: boolean
  since: string
}

const noPost = { title: '', rank: '', leader: false, since: '' }
const empty: Versioned<PersonDraft> = { version: 0, draft: { name: '', sex: '', staffNo: '', officePhone: '', mobile: '', dropMobile: false, ...noPost } }

function draftOf(person: Person): Versioned<PersonDraft> {
  const { name, sex, staffNo, officePhone } = person
  return { version: person.version, draft: { name, sex, staffNo, officePhone, mobile: '', dropMobile: false, ...noPost } }
}

/** The form of a person: of one who is there, or of a new one with a main post in a unit. */
export function usePersonForm(person: Person | undefined, startUnit: Party | null, done: (id: string) => void) {
  const { t } = useI18n()
  const unit = shallowRef<Party | null>(startUnit)

  async function write(draft: PersonDraft, version: number): Promise<void> {
    const body = { name: draft.name, sex: draft.sex as Person['sex'], staffNo: draft.staffNo, officePhone: draft.officePhone }
    let id = person?.id ?? ''
    if (person) {
      const mobile = draft.dropMobile ? '' : draft.mobile.trim() || undefined
      await ask(api.PUT('/api/org/people/{id}', { params: { path: { id } }, body: { ...body, mobile, version } }))
    } else {
      const post = { unit: unit.value?.id ?? '', title: draft.title, rank: rankOf(draft.rank), leader: draft.leader, since: draft.since }
      id = (await ask(api.POST('/api/org/people', { body: { ...body, ...post, mobile: draft.mobile.trim() } }))).id
    }
    toast(t(person ? 'org.person.saved' : 'org.person.made', [draft.name]))
    announce('org.person')
    done(id)
  }
  const form = useVersioned<PersonDraft>(person ? draftOf(person) : empty, write, async () => draftOf(await fetchPerson(person?.id ?? '')))
  return { ...form, unit }
}
