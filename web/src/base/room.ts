import type { Component } from 'vue'
import type { TextFiles } from './i18n'

type Load = () => Promise<{ default: Component }>

/** A page of a room: one view, or one for desks and one for phones over the same composable. */
export type PageViews = Load | { desk: Load; phone: Load }

/** What a room says of itself. Titles, menu and rights come from the server's declaration and are not repeated here. */
export interface Room {
  name: string
  icon?: string // a name of base/icons.ts for the menu; its own name unless told
  icons?: Record<string, string> // for single addresses of the menu
  pages: Record<string, PageViews> // address → view; addresses start with /name, parameters as in vue-router: /library/:id
}

/** A room together with the texts that stand beside its index.ts. */
export interface InstalledRoom extends Room {
  texts: TextFiles
}

/** Checks a room's form; index.ts exports its result as default. */
export function defineRoom(room: Room): Room {
  for (const path of Object.keys(room.pages)) {
    if (path !== `/${room.name}` && !path.startsWith(`/${room.name}/`)) {
      throw new Error(`room ${room.name}: page ${path} must start with /${room.name}, so that an address names its room`)
    }
  }
  return room
}
