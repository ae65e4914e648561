type Words = (key: string, args: unknown[]) => string

const units: [string, number][] = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000]]

/** How long until a limit runs out, or since it did, as people say it: 还剩 2 天, 已超时 3 小时. */
export function remaining(due: string, t: Words, now: Date = new Date()): string {
  const left = new Date(due).getTime() - now.getTime()
  const [unit, length] = units.find(([, size]) => Math.abs(left) >= size) ?? ['minute', 60_000]
  const amount = t(`kernel.case.unit.${unit}`, [Math.max(1, Math.floor(Math.abs(left) / length))])
  return t(left < 0 ? 'kernel.case.over' : 'kernel.case.left', [amount])
}
