import { onScopeDispose } from 'vue'
import { useChannel } from '@/base/realtime'

/** What the server says has changed: signals with new samples, all when they are too many, alarms. What may be seen of it is asked for. */
export interface Hint {
  signals?: string[]
  all?: boolean
  alarms?: boolean
}

const pause = 700 // milliseconds: what comes at once is heard once

/** Hears of new samples and alarms until the component goes; several hints in a moment come as one. */
export function useLive(heard: (hint: Hint) => void): void {
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
    timer ??= setTimeout(tell, pause)
  }
  useChannel('signal:live', take, () => take({ all: true, alarms: true }))
  onScopeDispose(() => clearTimeout(timer))
}
