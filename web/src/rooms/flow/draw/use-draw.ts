import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue'
import { onBeforeRouteLeave, useRoute } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { text } from '@/base/i18n'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { type Finding, type Process } from './model'
import { useSheet } from './use-sheet'

export const topic = 'flow.drawings'

/** The flow of one kind of case being drawn: the drawing on the table, what is wrong with it, what the server keeps. */
export function useDraw() {
  const kind = String(useRoute().params.kind)
  const path = { path: { kind } }
  const found = useQuery((signal) => ask(api.GET('/api/flow/drawings/{kind}', { params: path, signal })))
  const version = ref(0) // of the draft, 0 where there is none
  const checked = shallowRef<Finding[]>([])
  const read = shallowRef<Finding[]>([]) // what reading a file said, until the draft is kept
  const relayout = (tag = '') => tidy.run(tag)
  const sheet = useSheet()
  const { process, kept, changed } = sheet

  watch(found.data, (data) => {
    if (!data) return
    version.value = data.draft
    checked.value = data.sheet.findings
    read.value = []
    sheet.start(data.sheet.process)
  })

  let timer: ReturnType<typeof setTimeout> | undefined
  const later = () => {
    clearTimeout(timer)
    timer = setTimeout(() => void check.run(), 500)
  }
  watch(process, () => Boolean(sheet.history.value?.past.length || sheet.history.value?.future.length) && later())
  onScopeDispose(() => clearTimeout(timer))
  async function look(layout: boolean, tag = ''): Promise<void> {
    const body = { process: process.value!, layout }
    const answer = await ask(api.POST('/api/flow/drawings/{kind}/check', { params: path, body }))
    if (body.process !== process.value) return later() // drawn on meanwhile
    checked.value = answer.findings
    if (layout) sheet.put(answer.process, tag)
  }
  const check = useAction(() => look(false))
  const tidy = useAction((tag: string) => look(true, tag)) // not told off by a check that is under way

  async function keep(): Promise<void> {
    const body = { process: process.value!, version: version.value }
    const done = await ask(api.PUT('/api/flow/drawings/{kind}/draft', { params: path, body }))
    version.value = done.draft
    kept.value = body.process
    checked.value = done.findings
    read.value = []
    announce(topic)
  }
  const save = useAction(async () => {
    await keep()
    toast(text('flow.draw.saved'))
  })
  const publish = useAction(async (note: string) => {
    if (changed.value || !version.value) await keep()
    await ask(api.POST('/api/flow/drawings/{kind}/publish', { params: path, body: { version: version.value, note } }))
    toast(text('flow.draw.published', [process.value!.name]))
    announce(topic)
    await found.reload()
    return true
  })
  const discard = useAction(async () => {
    if (!(await confirmDeed({ title: text('flow.draw.discardTitle'), words: text('flow.draw.discardWords'), verb: text('flow.draw.discard'), danger: true }))) return
    if (version.value) await ask(api.DELETE('/api/flow/drawings/{kind}/draft', { params: path }))
    announce(topic)
    await found.reload()
  })
  /** Takes a file of another tool, or an old version, as the drawing; it is kept with the next saving. */
  function take(next: Process, said: Finding[], ofReading = false) {
    const id = process.value!.id // the kind stays the key, whatever the file called its process
    sheet.put({ ...next, id })
    sheet.select('')
    const mine = said.map((one) => (one.element === next.id ? { ...one, element: id } : one))
    checked.value = mine.filter((one) => !ofReading || one.grade === 'error')
    read.value = ofReading ? mine.filter((one) => one.grade !== 'error') : []
  }
  const readFile = useAction(async (file: File) => {
    const answer = await ask(api.POST('/api/flow/drawings/{kind}/read', { params: path, body: { xml: await file.text() } }))
    take(answer.process, answer.findings, true)
    toast(text('flow.draw.read', [answer.process.nodes.length, answer.findings.length]))
    return true
  })
  onBeforeRouteLeave(async () => !changed.value || (await confirmDeed({ title: text('flow.draw.leave'), words: text('flow.draw.leaveWords'), verb: text('flow.draw.leaveVerb'), danger: true })))

  const grades = ['error', 'warning', 'dropped']
  const findings = computed(() => [...checked.value, ...read.value.filter((one) => !checked.value.some((other) => other.element === one.element && other.text === one.text))]
    .sort((a, b) => grades.indexOf(a.grade) - grades.indexOf(b.grade)))
  const errors = computed(() => findings.value.filter((one) => one.grade === 'error').length)
  return { ...sheet, kind, found, version, findings, errors, check, tidy, save, publish, discard, readFile, take, relayout }
}

export type Draw = ReturnType<typeof useDraw>
