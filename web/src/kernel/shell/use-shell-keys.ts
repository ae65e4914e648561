import { onScopeDispose } from 'vue'
import { useRouter } from 'vue-router'
import { homePath } from '../router'
import { useSession } from '../session'
import { useShell } from './shell'

/** G, then one of these letters, opens the first page of the room. */
export const goLetters: Record<string, string> = { w: 'desk', m: 'chat', d: 'library', f: 'lookup', e: 'event', o: 'org' }

const patience = 1200 // milliseconds between G and its letter

/** Whether a key press belongs to a text field, a control that uses letters, or an input method. */
export function isTyping(event: KeyboardEvent): boolean {
  if (event.isComposing || event.keyCode === 229) return true
  const target = event.target as HTMLElement | null
  if (!target) return false
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)
}

/** The shell's keys: Ctrl/Cmd+K palette, ? help, G then a letter. Nothing while a dialog is open or an input method is composing. */
export function useShellKeys(): void {
  const router = useRouter()
  const session = useSession()
  const shell = useShell()
  let gAt = 0

  function go(letter: string): void {
    if (letter === 'p') return void router.push('/me')
    const room = goLetters[letter]
    const item = session.menu.find((entry) => entry.room === room)
    if (item) void router.push(room === 'desk' ? homePath(session.menu) : item.path)
  }

  function onKey(event: KeyboardEvent): void {
    if (event.isComposing || event.keyCode === 229) return
    const key = event.key.toLowerCase()
    if ((event.ctrlKey || event.metaKey) && key === 'k' && !event.shiftKey && !event.altKey) {
      event.preventDefault()
      if (shell.open === 'palette') shell.close()
      else if (!document.querySelector('dialog[open]')) shell.show('palette')
      return
    }
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
    if (key === '?') {
      event.preventDefault()
      shell.show('help')
    } else if (gAt && event.timeStamp - gAt < patience) {
      gAt = 0
      go(key)
    } else gAt = key === 'g' ? event.timeStamp : 0
  }

  window.addEventListener('keydown', onKey)
  onScopeDispose(() => window.removeEventListener('keydown', onKey))
}
