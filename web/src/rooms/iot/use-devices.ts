import { computed, reactive, ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { useRoute } from 'vue-router'
import { api, ask } from '@/base/api'
import { confirmDeed } from '@/base/confirm'
import { useList } from '@/base/list'
import { useAction, useQuery } from '@/base/query'
import { toast } from '@/base/toast'
import { announce } from '@/base/topics'
import { useSession } from '@/kernel/session'
import { listPause, useLive } from '@/kernel/signal/use-live'
import { measured, type DeviceFull, type DeviceLine, type services, type states } from './model'

/** The kinds of device with their names in the reader's language. */
export function useKinds() {
  const { locale } = useI18n()
  const kinds = useQuery((signal) => ask(api.GET('/api/iot/kinds', { signal })))
  const all = computed(() => kinds.data.value?.items ?? [])
  const word = (one: { zh: string; en: string }) => (locale.value.startsWith('zh') ? one.zh : one.en)
  const nameOf = (key: string) => {
    const kind = all.value.find((one) => one.key === key)
    return kind ? word(kind) : key
  }
  const propertyOf = (key: string, property: string) => {
    const found = all.value.find((one) => one.key === key)?.properties.find((one) => one.key === property)
    return found ? word(found) : property
  }
  return { all, nameOf, propertyOf, word }
}

/** The devices the reader sees; what they measure comes by itself. */
export function useDevices() {
  const list = useList<DeviceLine, { text: string; kind: string; state: string }>({
    filters: { text: '', kind: '', state: '' },
    limit: 48,
    topics: ['iot.devices'],
    load: ({ filters, cursor, limit, signal }) =>
      ask(api.GET('/api/iot/devices', { params: { query: { text: filters.text || undefined, kind: filters.kind || undefined, state: (filters.state || undefined) as (typeof states)[number] | undefined, after: cursor || undefined, limit } }, signal })),
  })
  const typed = ref(list.filters.text)
  watch(typed, (now, _before, clean) => {
    const timer = setTimeout(() => (list.filters.text = now.trim()), 250)
    clean(() => clearTimeout(timer))
  })
  useLive(() => announce('iot.devices'), listPause)
  return { list, typed, mayManage: useSession().can('iot.manage') }
}

/** One device and what may be done about it. */
export function useDevice() {
  const { t } = useI18n()
  const route = useRoute()
  const id = computed(() => String(route.params.id))
  const path = computed(() => ({ params: { path: { id: id.value } } }))
  const device = useQuery((signal) => ask(api.GET('/api/iot/devices/{id}', { ...path.value, signal })), [id], { topics: ['iot.devices'] })
  useLive((hint) => {
    const own = device.data.value?.readings.some((one) => hint.signals?.includes(one.signal.id))
    if (hint.all || own) void device.reload()
  })
  const chosen = ref('')
  const reading = computed(() => {
    const all = device.data.value?.readings ?? []
    return all.find((one) => one.property === chosen.value) ?? measured(all)[0] ?? all[0]
  })
  const key = ref('')
  const renew = useAction(async () => {
    const name = device.data.value?.name ?? ''
    if (!(await confirmDeed({ title: t('iot.renewTitle', [name]), words: t('iot.renewWords'), verb: t('iot.renew'), danger: true }))) return
    key.value = (await ask(api.POST('/api/iot/devices/{id}/key', path.value))).key
    announce('iot.devices')
  })
  const turn = useAction(async (on: boolean, why: string) => {
    await ask(api.POST('/api/iot/devices/{id}/turn', { ...path.value, body: { on, why, version: device.data.value?.version ?? 0 } }))
    announce('iot.devices')
    toast(t(on ? 'iot.turnedOn' : 'iot.turnedOff'))
  })
  const service = reactive({ kind: 'inspect' as (typeof services)[number], note: '' })
  const serve = useAction(async () => {
    await ask(api.POST('/api/iot/devices/{id}/services', { ...path.value, body: { kind: service.kind, note: service.note.trim() } }))
    service.note = ''
    announce('iot.devices')
    toast(t('iot.served'))
  })
  return { device, chosen, reading, key, renew, turn, service, serve }
}

/** The form that registers a device, or corrects what is known of one. */
export function useDeviceForm(device: DeviceFull | undefined, done: (id: string, key: string) => void) {
  const { t } = useI18n()
  const form = reactive({
    code: device?.code ?? '', kind: device?.kind ?? '', name: device?.name ?? '', model: device?.model ?? '', vendor: device?.vendor ?? '', serial: device?.serial ?? '',
    lon: device ? String(device.lon) : '', lat: device ? String(device.lat) : '', address: device?.address ?? '', division: device?.division ?? '', cadence: device ? String(device.cadence) : '',
  })
  const save = useAction(async () => {
    const given = { name: form.name, model: form.model, vendor: form.vendor, serial: form.serial, lon: Number(form.lon), lat: Number(form.lat), address: form.address, division: form.division, cadence: Number(form.cadence || 0), datum: device?.datum ?? '', installedAt: device?.installedAt ?? null }
    if (device) {
      await ask(api.PUT('/api/iot/devices/{id}', { params: { path: { id: device.id } }, body: { ...given, version: device.version } }))
      announce('iot.devices')
      toast(t('iot.saved'))
      return done(device.id, '')
    }
    const made = await ask(api.POST('/api/iot/devices', { body: { ...given, code: form.code, kind: form.kind } }))
    announce('iot.devices')
    done(made.id, made.key)
  })
  const fault = (name: string) => save.error.value?.reason(name)
  return { form, save, fault }
}
