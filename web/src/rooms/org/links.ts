import { useRoute, type RouteLocationRaw } from 'vue-router'
import { look } from '@/kernel/look'

/** Where a unit is shown: beside the tree on desks, on a page of its own on phones. A chart of a past day stays one. Call it in setup. */
export function useUnitLink(): (id: string) => RouteLocationRaw {
  const route = useRoute()
  return (id) => {
    const asOf = typeof route.query.asOf === 'string' ? route.query.asOf : undefined
    return look.phone.value ? { path: `/org/units/${id}`, query: { asOf } } : { path: '/org', query: { asOf, unit: id } }
  }
}
