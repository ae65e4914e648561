import { computed, onBeforeUnmount, ref, shallowRef, watch } from 'vue'
import { useRoute } from 'vue-router'
import { api, ask } from '@/base/api'
import { text } from '@/base/i18n'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { useSession } from '@/kernel/session'
import type { Sheet } from '../model'
import { uploaded } from '../upload'

/** Counts the seconds a page stands before somebody; take() gives them and begins anew. */
function useSpent() {
  let seconds = 0
  const timer = setInterval(() => document.visibilityState === 'visible' && (seconds += 1), 1000)
  onBeforeUnmount(() => clearInterval(timer))
  return { take: () => ((n) => ((seconds = 0), n))(seconds), back: (n: number) => (seconds += n) }
}

/** A sheet while it is filled in: values by row, kept on the server, measured, handed in. */
export function useSheet() {
  const route = useRoute()
  const session = useSession()
  const id = computed(() => String(route.params.id))
  const path = () => ({ path: { id: id.value } })
  const found = useQuery((signal) => ask(api.GET('/api/burden/sheets/{id}', { params: path(), signal })), [id], { topics: ['burden.sheet'] })
  const rows = ref<Record<string, string>[]>([])
  const faults = shallowRef<{ row: number; name: string; why: string }[]>([])
  const spent = useSpent()
  let opened = ''
  let kept = ''

  /** Takes a sheet as the server has it. */
  function take(sheet: Sheet) {
    found.data.value = sheet
    rows.value = sheet.rows.map((row) => Object.fromEntries(sheet.fields.map((field) => [field.key, row[field.key]?.v ?? ''])))
    if (!rows.value.length && sheet.mayFill) addRow()
    kept = JSON.stringify(rows.value)
  }
  watch(found.data, async (now) => {
    if (!now || opened === now.id) return
    opened = now.id
    take(now)
    if (!now.mayFill || !session.can('burden.fill')) return
    await ask(api.POST('/api/burden/sheets/{id}/open', { params: path() })).catch(() => undefined)
  })
  const dirty = computed(() => JSON.stringify(rows.value) !== kept)

  /** What is sent; the seconds go back to be counted when it fails. */
  async function sent<T>(call: (body: { rows: Record<string, string>[]; spentSeconds: number; version: number }) => Promise<T>): Promise<T> {
    const seconds = spent.take()
    try {
      return await call({ rows: rows.value, spentSeconds: seconds, version: found.data.value!.version })
    } catch (thrown) {
      spent.back(seconds)
      throw thrown
    }
  }
  const save = useAction(async () => {
    submit.clear()
    take(await sent((body) => ask(api.PUT('/api/burden/sheets/{id}', { params: path(), body }))))
    toast(text('burden.kept'))
  })
  const submit = useAction(async () => {
    faults.value = []
    take(await sent((body) => ask(api.POST('/api/burden/sheets/{id}/submit', { params: path(), body }))))
    toast(text('burden.submitted'))
    announce('burden.sheets')
  })
  const fetchRows = useAction(async () => {
    const got = await sent((body) => ask(api.POST('/api/burden/sheets/{id}/fetch', { params: path(), body })))
    take(got)
    toast(text('burden.fetched', [got.found]))
  })
  const upload = useAction(async (file: File) => {
    const got = await ask(api.POST('/api/burden/sheets/{id}/upload', { params: path(), body: { fileId: await uploaded(file), version: found.data.value!.version } }))
    take(got.sheet)
    faults.value = got.faults
    toast(text('burden.taken', [got.taken]))
  })
  const giveBack = useAction(async (reason: string) => {
    take(await ask(api.POST('/api/burden/sheets/{id}/return', { params: path(), body: { reason } })))
    toast(text('burden.gaveBack'))
    announce('burden.sheets')
  })
  const fix = useAction(async (body: { row: number; field: string; value: string; reason: string }) => {
    submit.clear()
    if (dirty.value) await save.run()
    take(await ask(api.POST('/api/burden/sheets/{id}/fixes', { params: path(), body })))
    toast(text('burden.fixSent'))
    return true
  })
  function addRow() {
    rows.value = [...rows.value, {}]
  }
  function dropRow(at: number) {
    rows.value = rows.value.filter((_, i) => i !== at)
  }
  const wrong = computed(() => submit.error.value ?? save.error.value ?? upload.error.value ?? fetchRows.error.value ?? giveBack.error.value)
  return { found, rows, faults, wrong, save, submit, fetchRows, upload, giveBack, fix, addRow, dropRow }
}
