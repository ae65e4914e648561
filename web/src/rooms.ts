import type { InstalledRoom, Room } from './base/room'
import type { TextFiles } from './base/i18n'

const indexes = import.meta.glob<Room>('./rooms/*/index.ts', { eager: true, import: 'default' })
const zh = import.meta.glob<{ default: Record<string, string> }>('./rooms/*/zh.json')
const en = import.meta.glob<{ default: Record<string, string> }>('./rooms/*/en.json')

/** The rooms found under rooms/. An index.ts is a few lines and comes with the first load; pages and texts come when opened. */
export function installedRooms(): InstalledRoom[] {
  return Object.entries(indexes).map(([path, room]) => {
    const folder = path.slice(0, -'index.ts'.length)
    const texts = { zh: zh[`${folder}zh.json`], en: en[`${folder}en.json`] }
    if (!texts.zh || !texts.en) throw new Error(`room ${room.name}: zh.json and en.json must stand beside index.ts`)
    return { ...room, texts: texts as TextFiles }
  })
}
