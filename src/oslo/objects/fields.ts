/** The kinds of fields, named plainly: `text`, `integer`, `listOf(text)`. What each takes is what oslo.versionedobjects takes. */
import { isIPv4, isIPv6 } from 'node:net'
import { InvalidField } from './errors.ts'
import { type Codec, type Field, field, plain, present } from './field.ts'

/** The words are oslo.versionedobjects' own: users see them when a property of an image is wrong. */
function refuse(at: string, reason: string): never {
  throw new InvalidField(at, reason)
}

const wrongType = (value: unknown, at: string, wanted: string): never =>
  refuse(at, `${wanted} is required in field ${attributeOf(at)}, not a ${pythonType(value)}`)

const attributeOf = (at: string): string => at.slice(at.lastIndexOf('.') + 1)

function pythonType(value: unknown): string {
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  return { string: 'str', boolean: 'bool', object: 'dict' }[typeof value as string] ?? typeof value
}

function textOf(value: unknown, at: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return typeof value === 'number' ? String(value) : wrongType(value, at, 'A string')
}

/** Numbers become text. */
export const text: Field<string> = plain('text', textOf)

/** A text that may hold a password: no error shows it. */
export const secret: Field<string> = plain('secret', textOf)

/** Any text: oslo only warns of what is no UUID. */
export const uuid: Field<string> = plain('uuid', textOf)

/** Text of digits becomes a number, fractions are cut off. */
export const integer: Field<number> = plain('integer', (value, at) => {
  if (typeof value === 'number' && Number.isFinite(value)) return Math.trunc(value)
  if (typeof value === 'boolean') return Number(value)
  if (typeof value !== 'string')
    return refuse(at, `int() argument must be a string, a bytes-like object or a real number, not '${pythonType(value)}'`)
  return /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : refuse(at, `invalid literal for int() with base 10: ${quoted(value)}`)
})

export const float: Field<number> = plain('float', (value, at) => {
  if (typeof value === 'number') return value
  if (typeof value !== 'string') return refuse(at, `float() argument must be a string or a real number, not '${pythonType(value)}'`)
  return value.trim() !== '' && !Number.isNaN(Number(value))
    ? Number(value)
    : refuse(at, `could not convert string to float: ${quoted(value)}`)
})

/** Python's idea of truth: what is empty or zero is false. */
export const boolean: Field<boolean> = plain('boolean', (value) =>
  typeof value === 'object' ? Object.keys(value as object).length > 0 : Boolean(value),
)

/** Words of yes are true, everything else is false. oslo_utils/strutils.py bool_from_string */
export const flexibleBoolean: Field<boolean> = plain('flexible boolean', (value) =>
  typeof value === 'boolean' ? value : /^(1|t|true|on|y|yes)$/i.test(String(value).trim()),
)

/** UTC to the second, `2026-03-01T10:00:00Z`; a fraction is cut off and a zone reckoned in. */
export const datetime: Field<string> = plain('datetime', (value, at) => {
  if (typeof value !== 'string') return wrongType(value, at, 'A datetime.datetime')
  const found = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|([+-]\d\d):?(\d\d)?)?$/.exec(value)
  if (!found) return refuse(at, `Unable to parse date string ${quoted(value)}`)
  const [, date, time, hours = '+00', minutes = '00'] = found
  if (hours === '+00' && minutes === '00') return `${date}T${time}Z`
  return `${new Date(`${date}T${time}${hours}:${minutes}`).toISOString().slice(0, 19)}Z`
})

export const ipv4: Field<string> = plain('IPv4 address', (value, at) => (isIPv4(String(value)) ? String(value) : wrongAddress(value, at)))

export const ipv6: Field<string> = plain('IPv6 address', (value, at) =>
  isIPv6(String(value)) ? shortestIpv6(String(value)) : wrongAddress(value, at),
)

export const ipAddress: Field<string> = plain('IP address', (value, at) => {
  const address = String(value)
  if (isIPv4(address)) return address
  return isIPv6(address) ? shortestIpv6(address) : refuse(at, `failed to detect a valid IP address from ${quoted(address)}`)
})

/** Address and prefix length. */
export const ipNetwork: Field<string> = plain('IP network', (value, at) => {
  const [address = '', prefix = ''] = String(value).split('/')
  const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1
  if (!/^\d+$/.test(prefix) || Number(prefix) > most) return refuse(at, `invalid IPNetwork ${String(value)}`)
  return `${most === 128 ? shortestIpv6(address) : address}/${prefix}`
})

const wrongAddress = (value: unknown, at: string) => refuse(at, `Network "${String(value)}" is not valid in field ${attributeOf(at)}`)

/** An IPv6 address as netaddr prints it: the last 32 bits are dotted after 96 bits of zeros or of `::ffff:`, and nowhere else. */
export function shortestIpv6(address: string): string {
  if (address.includes('%')) return address.toLowerCase()
  const short = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const [, front, high, low] = /^(::(?:ffff:)?)([\da-f]+):([\da-f]+)$/.exec(short) ?? []
  if (high === undefined || low === undefined) return short
  return `${front}${[high, low].flatMap((word) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 255]).join('.')}`
}

const quoted = (value: string) => `'${value}'`

/** Lower case with colons. */
export const macAddress: Field<string> = pattern(
  'MAC address',
  /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/,
  (value) => `Malformed MAC ${value}`,
  (value) => value.toLowerCase().replaceAll('-', ':'),
)

/** A text that a pattern matches once `normalise` has been over it; `complaint` says so when it does not. */
export function pattern(
  kind: string,
  form: RegExp,
  complaint: (value: string) => string,
  normalise = (value: string) => value,
): Field<string> {
  return plain(kind, (value, at) => {
    const normal = typeof value === 'string' ? normalise(value) : ''
    return form.test(normal) ? normal : refuse(at, complaint(String(value)))
  })
}

/** One of a few words. `normalise` maps older spellings to today's, `complaint` is for kinds whose errors Nova words otherwise. */
export function choice<const V extends readonly string[]>(
  name: string,
  values: V,
  normalise = (value: unknown): unknown => value,
  complaint = (normal: unknown, _given: unknown): string => `Field value ${normal} is invalid`,
): Field<V[number]> {
  const known = new Set<unknown>(values)
  return plain(
    name,
    (value, at) => {
      const normal = normalise(value)
      return known.has(normal) ? (normal as V[number]) : refuse(at, complaint(normal, value))
    },
    values,
  )
}

export function listOf<T>(item: Codec<T>): Field<T[]> {
  return field({
    kind: `list of ${item.kind}`,
    read: (value, at) => arrayOf(value, at).map((each, i) => item.read(each, `${at}[${i}]`)),
    write: (value, at) => arrayOf(value, at).map((each, i) => item.write(each as T, `${at}[${i}]`)),
  })
}

/** A list in which nothing stands twice; on our side an array. */
export function setOf<T extends string | number>(item: Codec<T>): Field<T[]> {
  const list = listOf(item)
  return field({
    kind: `set of ${item.kind}`,
    read: (value, at) => [...new Set(list.read(value, at))],
    write: (value, at) => [...new Set(list.write(value, at) as unknown[])],
  })
}

export function dictOf<T>(item: Codec<T>): Field<Record<string, T>> {
  const each = (value: unknown, at: string, convert: (value: unknown, at: string) => unknown) =>
    Object.fromEntries(Object.entries(recordOf(value, at)).map(([key, one]) => [key, convert(one, `${at}.${key}`)]))
  return field({
    kind: `dict of ${item.kind}`,
    read: (value, at) => each(value, at, (one, path) => item.read(one, path)) as Record<string, T>,
    write: (value, at) => each(value, at, (one, path) => item.write(one as T, path)),
  })
}

const arrayOf = (value: unknown, at: string): unknown[] =>
  Array.isArray(present(value, at)) ? (value as unknown[]) : wrongType(value, at, 'A list')

function recordOf(value: unknown, at: string): Record<string, unknown> {
  if (typeof present(value, at) !== 'object' || Array.isArray(value)) return wrongType(value, at, 'A dict')
  return value as Record<string, unknown>
}
