import type { MenuItem } from '../session'

/** The pages of one pillar. */
export interface Pillar {
  name: string
  items: MenuItem[]
}

/** Groups the menu by pillar, both in the server's order. */
export function pillarsOf(menu: MenuItem[]): Pillar[] {
  const pillars = new Map<string, MenuItem[]>()
  for (const item of menu) {
    const items = pillars.get(item.pillar)
    if (items) items.push(item)
    else pillars.set(item.pillar, [item])
  }
  return [...pillars].map(([name, items]) => ({ name, items }))
}

/** The menu line an address belongs to: the one with the longest path that is the address or above it. */
export function itemAt(menu: MenuItem[], path: string): MenuItem | undefined {
  return menu
    .filter((item) => path === item.path || path.startsWith(item.path + '/'))
    .sort((a, b) => b.path.length - a.path.length)[0]
}
