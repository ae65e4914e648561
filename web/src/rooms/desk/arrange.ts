/** Pages pinned to the workbench, by path, in their order. */
export type Pins = string[]

/** Pins with one more at the end, or without it. */
export function toggled(pins: Pins, path: string): Pins {
  return pins.includes(path) ? pins.filter((one) => one !== path) : [...pins, path]
}

/** Pins with one moved by steps towards the end (1) or the beginning (-1); the same pins where it cannot. */
export function stepped(pins: Pins, path: string, by: 1 | -1): Pins {
  const at = pins.indexOf(path)
  return at < 0 ? pins : placed(pins, path, at + by)
}

/** Pins with one put at a place, as when it is dragged there. */
export function placed(pins: Pins, path: string, to: number): Pins {
  if (to < 0 || to >= pins.length || !pins.includes(path)) return pins
  const others = pins.filter((one) => one !== path)
  return [...others.slice(0, to), path, ...others.slice(to)]
}
