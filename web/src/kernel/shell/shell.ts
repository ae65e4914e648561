import { defineStore } from 'pinia'
import { ref } from 'vue'

/** What lies over the page: the palette, the help sheet, the phone's list of applications; one at a time. */
export const useShell = defineStore('shell', () => {
  const open = ref<'' | 'palette' | 'help' | 'apps'>('')
  function show(what: 'palette' | 'help' | 'apps'): void {
    open.value = what
  }
  function close(): void {
    open.value = ''
  }
  return { open, show, close }
})
