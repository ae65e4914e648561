import { api, ask } from '@/base/api'
import { useList } from '@/base/list'
import type { PersonItem, Post } from './model'

/** Who holds a post in a unit, or in it and below: leaders first. below is '' or 'yes'. */
export function useUnitPeople(unit: () => string) {
  return useList<PersonItem, { below: string }>({
    filters: { below: '' },
    addressless: true,
    limit: 30,
    topics: ['org.person', 'org.unit'],
    load: ({ filters, cursor, limit, signal }) => ask(api.GET('/api/org/people', { params: { query: { unit: unit(), below: filters.below === 'yes', after: cursor || undefined, limit } }, signal })),
  })
}

/** The post for which a person stands in a unit's list: the one in this unit, else (with those below) the main one. */
export function postIn(person: PersonItem, unit: string): Post | undefined {
  return person.posts.find((post) => post.unit === unit) ?? person.posts.find((post) => post.main) ?? person.posts[0]
}
