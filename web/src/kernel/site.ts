import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { api, ask } from '@/base/api'

/** What anyone may know of this installation before signing in. */
export interface Site {
  district: string
  product: string
  demo: boolean
  helpPhone: string
  footer: { organizer: string; identifier: string; icp: string; police: string }
  version: string
}

const unknown: Site = { district: '', product: '', demo: false, helpPhone: '', footer: { organizer: '', identifier: '', icp: '', police: '' }, version: '' }

/** The installation's public face; empty until load() has an answer, and a failure leaves it so. */
export const useSite = defineStore('site', () => {
  const site = shallowRef<Site>(unknown)
  const known = computed(() => site.value !== unknown)
  async function load(): Promise<void> {
    try {
      site.value = await ask(api.GET('/api/system/site'))
    } catch {
      // The page says what it can without it; the offline bar tells of the network.
    }
  }
  return { site, known, load }
})
