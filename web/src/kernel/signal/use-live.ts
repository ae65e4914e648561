import { onScopeDispose } from 'vue'
import { useChannel } from '@/base/realtime'

/** What the server says has changed: signals with new samples, all when they are too many, alarms. What may be seen of it is asked for. */
export interface Hint {
  signals?: string[]
  all?: boolean
  alarms?: boolean
}

const pause = 700 // milliseconds: what comes at once is heard once
/** For lists of many: they load again this often at most. */
export const listPause = 2500

/** Hears of new samples and alarms until the component goes; several hints in a moment, of wait milliseconds, come as one. */
export function useLive(heard: (hint: Hint) => void, wait = pause): void {
  let waiting: Hint | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  const tell = () => {
    timer = undefined
    const hint = waiting
    waiting = undefined
    if (hint) heard(hint)
  }
  const take = (data: unknown) => {
    const hint = data as Hint
    waiting = waiting
      ? { all: waiting.all || hint.all, alarms: waiting.alarms || hint.alarms, signals: [...(waiting.signals ?? []), ...(hint.signals ?? [])] }
      : hint
    timer ??= setTimeout(tell, wait)
  }
  useChannel('signal:live', take, () => take({ all: true, alarms: true }))
  onScopeDispose(() => clearTimeout(timer))
}
