import { getCurrentScope, onScopeDispose } from 'vue'

const bus = new EventTarget()

/** Says that what a topic names has changed ("library.table"): every query that lists the topic loads again. */
export function announce(topic: string): void {
  bus.dispatchEvent(new Event(topic))
}

/** Calls heard whenever the topic is announced, until the component goes. */
export function onTopic(topic: string, heard: () => void): void {
  bus.addEventListener(topic, heard)
  if (getCurrentScope()) onScopeDispose(() => bus.removeEventListener(topic, heard))
}
