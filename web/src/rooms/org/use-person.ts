import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { problemWords } from '@/base/words'
import type { Person, Post } from './model'

/** One person. */
export async function fetchPerson(id: string, signal?: AbortSignal): Promise<Person> {
  return await ask(api.GET('/api/org/people/{id}', { params: { path: { id } }, signal }))
}

/** A person's posts as sentences name them: 区水务局办公室 科员. */
export const postName = (post: Pick<Post, 'unitName' | 'title'>): string => [post.unitName, post.title].filter(Boolean).join(' ')

/** A person, and the deeds on posts that need no form. */
export function usePerson(id: () => string) {
  const { t } = useI18n()
  const person = useQuery((signal) => fetchPerson(id(), signal), [id], { topics: ['org.person'] })

  const change = useAction(async (deed: () => Promise<unknown>, done: string) => {
    await deed()
    toast(done)
    announce('org.person')
  })
  async function run(deed: () => Promise<unknown>, done: string) {
    await change.run(deed, done)
    if (change.error.value) toast(problemWords(change.error.value), { tone: 'danger' })
  }
  async function makeMain(of: Person, post: Post) {
    const before = of.posts.find((one) => one.main)
    const words = before ? t('org.post.mainWords', [of.name, postName(before), postName(post)]) : t('org.post.mainWordsFirst', [of.name, postName(post)])
    if (!(await confirmDeed({ title: t('org.post.mainTitle'), words, verb: t('org.post.makeMain') }))) return
    await run(() => ask(api.POST('/api/org/posts/{id}/main', { params: { path: { id: post.id } } })), t('org.post.mainDone', [postName(post)]))
  }
  async function end(of: Person, post: Post) {
    const last = of.posts.length === 1
    const words = last ? t('org.post.endLast', [of.name]) : t(post.main ? 'org.post.endMain' : 'org.post.endSide', [of.name])
    if (!(await confirmDeed({ title: t('org.post.endTitle', [of.name, postName(post)]), words, verb: t('org.post.end'), danger: true }))) return
    await run(() => ask(api.POST('/api/org/posts/{id}/end', { params: { path: { id: post.id } } })), t('org.post.ended', [postName(post)]))
  }
  return { person, busy: change.busy, makeMain, end }
}
