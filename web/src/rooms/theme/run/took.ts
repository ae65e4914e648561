import { text } from '@/base/i18n'
import { duration } from '@/base/time'

/** How long something took: seconds up to a minute, then in words. */
export const took = (milliseconds: number) => (milliseconds < 60_000 ? text('theme.run.seconds', [(milliseconds / 1000).toFixed(1)]) : duration(milliseconds))
