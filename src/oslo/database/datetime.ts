/** Times as Nova's tables hold them: text in UTC, without a zone. */
import type { DateTimeText } from './schema.ts'

/**
 * Milliseconds since 1970 as text with six digits of fraction, which is how Nova writes to SQLite, where times are compared as text.
 *
 *     toDateTime(0)    // 1970-01-01 00:00:00.000000
 */
export function toDateTime(milliseconds: number): DateTimeText {
  const iso = new Date(milliseconds).toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)}000`
}

/** Milliseconds since 1970 of a stored time; the fraction may be absent. Throws a RangeError on anything else. */
export function fromDateTime(text: DateTimeText): number {
  const found = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?$/.exec(text)
  const [, date, time, fraction = ''] = found ?? []
  const milliseconds = found ? Date.parse(`${date}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}Z`) : Number.NaN
  if (Number.isNaN(milliseconds)) throw new RangeError(`not a stored time: ${text}`)
  return milliseconds
}
