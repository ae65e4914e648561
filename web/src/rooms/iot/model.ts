import type { components } from '@/api.gen'

type Schemas = components['schemas']
/** A device in a list. */
export type DeviceLine = Schemas['IotDeviceLine']
/** A device with all its register holds. */
export type DeviceFull = Schemas['IotDeviceFull']
/** A kind of device. */
export type Kind = Schemas['IotKind']
/** What a device measures. */
export type Reading = Schemas['IotReading']

/** How lists may be narrowed. */
export const states = ['online', 'offline', 'alarm', 'stopped'] as const
/** Kinds of maintenance. */
export const services = ['inspect', 'repair', 'replace', 'clean', 'move'] as const

/** What is shown of a device's being reached. */
export function reachOf(device: Pick<DeviceLine, 'state' | 'online' | 'seenAt'>): 'stopped' | 'never' | 'online' | 'offline' {
  if (device.state === 'stopped') return 'stopped'
  if (!device.seenAt) return 'never'
  return device.online ? 'online' : 'offline'
}

/** How that looks. */
export const reachLooks = {
  online: { tone: 'success', shape: 'check' },
  offline: { tone: 'warning', shape: 'triangle' },
  never: { tone: 'info', shape: 'ring' },
  stopped: { tone: 'info', shape: 'dash' },
} as const

/** What a device measures of its surroundings, its battery left out. */
export const measured = (readings: Reading[]) => readings.filter((one) => one.property !== 'battery')
