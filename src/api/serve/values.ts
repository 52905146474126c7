/** Values as oslo.utils reads them. */

/** oslo_utils.strutils.bool_from_string in its strict form: undefined for what is neither. */
export function booleanFrom(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  const text = String(value).trim().toLowerCase()
  if (['1', 't', 'true', 'on', 'y', 'yes'].includes(text)) return true
  return ['0', 'f', 'false', 'off', 'n', 'no'].includes(text) ? false : undefined
}

/**
 * An ISO 8601 time as the databases hold it, in UTC and with its fraction: SQLite compares times as text; undefined for what is none.
 * Without a zone it is UTC (oslo_utils.timeutils.parse_isotime).
 */
export function storedTime(text: string): string | undefined {
  const found = isotime.exec(text)
  if (!found) return undefined
  const [, year, , month = '1', , day = '1', hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = found
  const zoned = /^([+-])(\d\d):?(\d\d)?$/.exec(zone)
  const offset = zoned ? (Number(zoned[2]) * 60 + Number(zoned[3] ?? 0)) * (zoned[1] === '-' ? -1 : 1) : 0
  const at = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute) - offset, Number(second)))
  if (Number.isNaN(at.getTime())) return undefined
  const iso = at.toISOString()
  const microseconds = fraction.slice(1).padEnd(6, '0').slice(0, 6)
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)}.${microseconds}`
}

/** The forms that the iso8601 package takes. */
export const isotime =
  /^(\d{4})(-?(\d{1,2})(-?(\d{1,2})(?:[ T](\d{1,2})(?::?(\d{1,2})(?::?(\d{1,2})([.,]\d+)?)?)?(Z|[+-]\d{2}:?(?:\d{2})?)?)?)?)?$/
