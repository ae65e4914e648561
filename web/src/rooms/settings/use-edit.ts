import { computed, ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { api, ask } from '@/base/api'
import { Problem } from '@/base/problem'
import { useAction } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { faultOf, fromDraft, same, toDraft, valueWords, type Setting, type SettingValue } from './values'

/** The least a reason must say, in characters. */
const leastReason = 2

/** Editing one setting. When somebody else changed it meanwhile, the draft stays, `overtaken` turns true and the next save
 *  is made knowing the newer value. reload fetches the settings again; done closes the form. */
export function useEdit(setting: () => Setting, reload: () => Promise<void>, done: () => void) {
  const { t } = useI18n()
  const draft = ref<SettingValue>(toDraft(setting().value))
  const reason = ref('')
  const overtaken = ref(false)
  let basis = setting().version

  const value = computed(() => fromDraft(setting(), draft.value))
  const fault = computed(() => faultOf(setting(), value.value))
  const ready = computed(() => !fault.value && !same(value.value, setting().value) && reason.value.trim().length >= leastReason)

  const save = useAction(async () => {
    try {
      await ask(api.PUT('/api/settings/{name}', { params: { path: { name: setting().name } }, body: { value: value.value, reason: reason.value.trim(), version: basis } }))
    } catch (thrown) {
      if (thrown instanceof Problem && thrown.status === 409) {
        await reload()
        basis = setting().version
        overtaken.value = true
      }
      throw thrown
    }
    toast(t('settings.saved', [setting().title, valueWords(setting(), value.value)]))
    done()
    announce('settings')
  })
  return { draft, reason, overtaken, value, fault, ready, save, toDefault: () => (draft.value = toDraft(setting().default)) }
}
