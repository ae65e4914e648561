import { reactive, ref } from 'vue'
import { filling, type Wish } from '../model'

/** An application while it is written. */
export function useDraft(wish: Wish, phone = '', files: { id: string; name: string }[] = []) {
  const form = reactive({ purpose: wish.purpose, basis: wish.basis, matter: wish.matter ?? '', scenario: wish.scenario ?? '', frequency: wish.frequency || 'daily', contact: wish.contact ?? '', pledge: wish.pledge })
  const terms = ref(filling(wish))
  const number = ref(phone)
  const attached = ref(files)
  return reactive({
    form, terms, phone: number, files: attached,
    /** What is sent: whole numbers where somebody cleared a box. */
    said: () => ({
      wish: { ...form, ...terms.value, days: Math.max(0, Math.trunc(Number(terms.value.days) || 0)), quota: Math.max(0, Math.trunc(Number(terms.value.quota) || 0)), filter: terms.value.filter.filter((rule) => rule.op === 'isnull' || rule.values.some(Boolean)) },
      phone: number.value,
      files: attached.value.map((file) => file.id),
    }),
  })
}

/** What the form of an application works with. */
export type Draft = ReturnType<typeof useDraft>
