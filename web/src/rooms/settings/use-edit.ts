import { computed, nextTick } from 'vue'
import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { useVersioned } from '@/base/versioned'
import { faultOf, fromDraft, same, toDraft, valueWords, type Setting } from './values'

/** The least a reason must say, in characters. */
const leastReason = 2

/** What the form of a setting holds: the value as its control edits it, and why. */
export type EditDraft = { value: string | number | boolean; reason: string }

/** Editing one setting. When somebody else changed it meanwhile, the draft stays, `overtaken` turns true and the next save
 *  is made knowing the newer value. reload fetches the settings again; done closes the form. */
export function useEdit(setting: () => Setting, reload: () => Promise<void>, done: () => void) {
  const { t } = useI18n()
  const state = () => ({ draft: { value: toDraft(setting().value), reason: '' }, version: setting().version })
  const write = async (held: EditDraft, version: number) => {
    const value = fromDraft(setting(), held.value)
    await ask(api.PUT('/api/settings/{name}', { params: { path: { name: setting().name } }, body: { value, reason: held.reason.trim(), version } }))
    toast(t('settings.saved', [setting().title, valueWords(setting(), value)]))
    done()
    announce('settings')
  }
  const again = async () => {
    await reload()
    await nextTick() // until the newer setting has come down to the form
    return state()
  }
  const { draft, changes, save } = useVersioned<EditDraft>(state(), write, again)

  const value = computed(() => fromDraft(setting(), draft.value))
  const fault = computed(() => faultOf(setting(), value.value))
  return {
    draft, value, fault, save,
    overtaken: computed(() => changes.value.length > 0),
    ready: computed(() => !fault.value && !same(value.value, setting().value) && draft.reason.trim().length >= leastReason),
    toDefault: () => (draft.value = toDraft(setting().default)),
  }
}
