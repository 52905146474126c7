/** The formats that Nova's schemas name, with its own rules (nova/api/validation/validators.py and jsonschema's FormatChecker). */
import { isIPv4, isIPv6 } from 'node:net'
import { isPythonRegExp } from '../../oslo/python-syntax.ts'
import { printableRange } from '../spec/printable.ts'
import { isotime } from './values.ts'

interface Format {
  readonly check: (value: string) => boolean
  /** Names are refused with a reason instead of jsonschema's message, and must be texts. */
  readonly reason?: string
}

const lazy = (make: () => RegExp): ((value: string) => boolean) => {
  let regExp: RegExp | undefined
  return (value) => (regExp ??= make()).test(value)
}

/** Printable, not starting or ending with white space; the empty text is left to minLength. A last line feed slips through, as in Python. */
const strict = (except?: string) => {
  const first = `(?=[${printableRange({ spaces: false })}]|\\n?$)`
  return new RegExp(`^${first}[${printableRange({ spaces: true, except })}]*(?<![^${printableRange({ spaces: false })}])(?=\\n?$)`)
}

const relaxed = (except?: string) => {
  const any = printableRange({ spaces: true, except })
  const solid = printableRange({ spaces: false, except })
  return new RegExp(`^[${any}]*[${solid}][${any}]*(?=\\n?$)`)
}

export const formats: Readonly<Record<string, Format>> = {
  uuid: { check: (value) => /^[0-9a-f]{32}$/.test(uuidDigits(value)) },
  ipv4: { check: isIPv4 },
  ipv6: { check: (value) => isIPv6(value) && !value.includes('%') },
  base64: { check: isBase64 },
  'date-time': { check: isIsoTime },
  cidr: { check: isCidr },
  uri: { check: (value) => /^[a-z][a-z0-9+.-]*:\/\/[^\s/]+/i.test(value) && URL.canParse(value) },
  regex: { check: (value) => value !== '' && isPythonRegExp(value) },
  name: { check: lazy(() => strict()), reason: 'printable characters. Can not start or end with whitespace.' },
  name_with_leading_trailing_spaces: {
    check: lazy(() => relaxed()),
    reason: 'printable characters with at least one non space character',
  },
  az_name: { check: lazy(() => strict(':')), reason: 'printable characters except :.Can not start or end with whitespace.' },
  az_name_with_leading_trailing_spaces: {
    check: lazy(() => relaxed(':')),
    reason: 'printable characters except :, with at least one non space character',
  },
}

/** Whether a value has a format; what is no text passes all but names, which only texts have. */
export function hasFormat(value: unknown, name: string): boolean {
  const format = formats[name]
  if (!format) return true
  return typeof value === 'string' ? format.check(value) : format.reason === undefined
}

/** oslo_utils.uuidutils: dashes may stand anywhere or nowhere, braces and urn: are taken. */
const uuidDigits = (value: string): string =>
  value
    .replace('urn:', '')
    .replace('uuid:', '')
    .replace(/^[{}]+|[{}]+$/g, '')
    .replaceAll('-', '')
    .toLowerCase()

/** Python's b64decode skips what is no base64 and minds only the padding. */
function isBase64(value: string): boolean {
  const kept = value.replace(/[^A-Za-z0-9+/=]/g, '')
  const data = kept.replace(/=.*$/s, '')
  const padding = kept.length - data.length
  return data.length % 4 === 0 ? true : data.length % 4 !== 1 && padding >= 4 - (data.length % 4)
}

function isIsoTime(value: string): boolean {
  const found = isotime.exec(value)
  if (!found) return false
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = [1, 3, 5, 6, 7, 8].map((i) =>
    found[i] === undefined ? undefined : Number(found[i]),
  )
  const date = new Date(Date.UTC(year, month - 1, day))
  return year > 0 && date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
}

function isCidr(value: string): boolean {
  const found = /^([^/\s]+)\/(\d+|[\d.]+)$/.exec(value)
  if (!found) return false
  const [, address, length] = found as unknown as [string, string, string]
  if (isIPv4(address)) return isIPv4(length) || Number(length) <= 32
  return isIPv6(address) && Number(length) <= 128
}
