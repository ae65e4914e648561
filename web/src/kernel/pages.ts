import { defineAsyncComponent, defineComponent, h, type Component } from 'vue'
import type { RouteRecordRaw } from 'vue-router'
import { loadTexts } from '@/base/i18n'
import type { InstalledRoom, PageViews } from '@/base/room'
import { look } from './look'
import PageFailed from './shell/PageFailed.vue'

/** A view's code, or the page that says it could not be fetched: no network, or a new release replaced it. The address is
 *  already the wanted one then, so reloading leads there. */
export async function orFailed(load: () => Promise<{ default: Component }>): Promise<Component> {
  try {
    return (await load()).default
  } catch {
    return PageFailed
  }
}

/** The view to show for a page: the only one, or the one for this width, changing with it. */
function viewOf(views: PageViews): () => Promise<Component> {
  if (typeof views === 'function') return () => orFailed(views)
  const desk = defineAsyncComponent({ loader: views.desk, errorComponent: PageFailed })
  const phone = defineAsyncComponent({ loader: views.phone, errorComponent: PageFailed })
  return async () => defineComponent({ name: 'TwoViews', setup: () => () => h(look.phone.value ? phone : desk) })
}

/** The routes of the installed rooms. A room's texts are loaded with its first page. */
export function roomRoutes(rooms: InstalledRoom[]): RouteRecordRaw[] {
  return rooms.flatMap((room) =>
    Object.entries(room.pages).map(([path, views]) => ({
      path,
      meta: { room: room.name, icon: room.icons?.[path] ?? room.icon ?? room.name },
      component: async () => {
        const [view] = await Promise.all([viewOf(views)(), loadTexts(room.name, room.texts).catch(() => undefined)])
        return view
      },
    })),
  )
}
