import { shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { Problem } from '@/base/problem'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { useVersioned, type Draft, type Versioned } from '@/base/versioned'
import type { Party } from '@/kernel/party/use-party-search'
import { rankOf, rankText, type Person, type Post } from './model'
import { fetchPerson, postName } from './use-person'

/** What the form of a post is for. */
export type PostDeed = 'add' | 'edit' | 'return'

/** What the form of a post holds. */
export interface PostDraft extends Draft {
  title: string
  rank: string
  leader: boolean
  main: boolean
  since: string
}

const draftOf = (post: Post): Versioned<PostDraft> => ({ version: post.version, draft: { title: post.title, rank: rankText(post.rank), leader: post.leader, main: false, since: '' } })
const empty = (version: number): Versioned<PostDraft> => ({ version, draft: { title: '', rank: '', leader: false, main: false, since: '' } })

/** The form of a post. done is called when it is written. */
export function usePostForm(deed: PostDeed, person: Person, post: Post | undefined, done: () => void) {
  const { t } = useI18n()
  const unit = shallowRef<Party | null>(null)

  async function write(draft: PostDraft, version: number): Promise<void> {
    const { title, leader, since } = draft
    const form = { title, leader, rank: rankOf(draft.rank) }
    const into = unit.value?.id ?? ''
    if (deed === 'edit' && post) await ask(api.PUT('/api/org/posts/{id}', { params: { path: { id: post.id } }, body: { ...form, version } }))
    else if (deed === 'add') await ask(api.POST('/api/org/people/{id}/posts', { params: { path: { id: person.id } }, body: { ...form, unit: into, main: draft.main, since } }))
    else await ask(api.POST('/api/org/people/{id}/return', { params: { path: { id: person.id } }, body: { ...form, unit: into, since, version } }))
    toast(t(`org.post.done.${deed}`, [person.name, postName({ unitName: unit.value?.name ?? post?.unitName ?? '', title })]))
    announce('org.person')
    done()
  }
  /** The post or the person as they stand now, for a form that was overtaken. */
  async function again(): Promise<Versioned<PostDraft>> {
    const fresh = await fetchPerson(person.id)
    if (deed !== 'edit') return empty(fresh.version)
    const now = fresh.posts.find((one) => one.id === post?.id)
    if (!now) throw new Problem(409, t('org.post.gone', [post?.title ?? '']))
    return draftOf(now)
  }
  const form = useVersioned<PostDraft>(post ? draftOf(post) : empty(person.version), write, again)
  return { ...form, unit }
}
