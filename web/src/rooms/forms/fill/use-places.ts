import { computed, shallowRef, type ComputedRef } from 'vue'
import type { components } from '@/api.gen'
import { api, ask } from '@/base/api'
import { useSession } from '@/kernel/session'

type Places = components['schemas']['FormsPlacesOutBody']

const known = shallowRef<Places>()
const failed = shallowRef(false)
let asking: Promise<void> | undefined
let askedAs = '' // the post: where a person works goes with it

/** The district's streets and communities, asked for once; ready is called when they are there. */
export function usePlaces(ready: () => void = () => {}): { streets: ComputedRef<Places['items']>; home: ComputedRef<{ street: string; community: string }>; failed: typeof failed } {
  const post = useSession().me?.post?.id ?? ''
  if (askedAs !== post) asking = undefined
  askedAs = post
  asking ??= ask(api.GET('/api/forms/places'))
    .then((answer) => void (known.value = answer))
    .catch(() => ((failed.value = true), (asking = undefined)))
  void asking?.then(ready)
  return {
    streets: computed(() => known.value?.items ?? []),
    home: computed(() => ({ street: known.value?.street ?? '', community: known.value?.community ?? '' })),
    failed,
  }
}
