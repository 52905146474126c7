/**
 * What Neutron accepts as the value of an attribute: checks, which answer why not in Neutron's words, and conversions, which throw.
 * neutron_lib/api/validators, neutron_lib/api/converters.py
 */
import { repr, str } from '../../oslo/python.ts'
import { canonicalIp, canonicalMac, formatIp, formatNetwork, parseCidr, parseIp } from './addresses.ts'
import { badRequest, fault, invalidInput } from './faults.ts'

/** The reason why a value is refused, or undefined. */
export type Check = (value: unknown) => string | undefined
/** The value that is kept; throws when there is none. */
export type Convert = (value: unknown) => unknown

export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null ? undefined : check(value)

export const text =
  (most: number): Check =>
  (value) => {
    if (typeof value !== 'string') return `'${str(value)}' is not a valid string`
    return value.length > most ? `'${value}' exceeds maximum length of ${most}` : undefined
  }

export const notEmptyText =
  (most = Number.POSITIVE_INFINITY): Check =>
  (value) =>
    text(most)(value) ?? (String(value).trim() === '' ? `'${value}' Blank strings are not permitted` : undefined)

export const uuid: Check = (value) => {
  const plain = typeof value === 'string' ? value.replace(/^urn:|^uuid:|[{}-]/g, '') : ''
  return /^[0-9a-f]{32}$/i.test(plain) ? undefined : `'${str(value)}' is not a valid UUID`
}

export const oneOf =
  (values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value) ? undefined : `${str(value)} is not in valid_values`

export const nonNegative: Check = (value) => (Number(value) < 0 ? `'${str(value)}' should be non-negative` : undefined)

export const range =
  (least: number, most: number): Check =>
  (value) => {
    if (Number(value) < least) return `'${str(value)}' is too small - must be at least '${least}'`
    return Number(value) > most ? `'${str(value)}' is too large - must be no larger than '${most}'` : undefined
  }

export const listOf =
  (check: Check): Check =>
  (value) => {
    if (!Array.isArray(value)) return `'${str(value)}' is not a list`
    const twice = duplicates(value)
    if (twice.length > 0) return `Duplicate items in the list: '${twice.map(str).join(', ')}'`
    return firstReason(value, check)
  }

function duplicates(values: readonly unknown[]): unknown[] {
  const seen = new Set<string>()
  return values.filter((value) => seen.size === seen.add(JSON.stringify(value)).size)
}

function firstReason(values: readonly unknown[], check: Check): string | undefined {
  for (const value of values) {
    const reason = check(value)
    if (reason) return reason
  }
  return undefined
}

export const dictionary: Check = (value) => (isDictionary(value) ? undefined : `'${str(value)}' is not a dictionary`)

export const isDictionary = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const ipAddress: Check = (value) => (parseIp(value) ? undefined : `'${str(value)}' is not a valid IP address`)

/** An IPv4 network may have host bits but must be spelled as Python would. */
export const ipSubnet: Check = (value) =>
  typeof value === 'string' && /^[^/\s]+\/\d+$/.test(value) && parseCidr(value) ? undefined : `'${str(value)}' is not a valid IP subnet`

const routeCidr: Check = (value) => {
  const cidr = typeof value === 'string' && value.includes('/') ? parseCidr(value) : undefined
  if (!cidr || cidr.ip !== cidr.first) return `'${str(value)}' is not a valid CIDR`
  return isLoopback(cidr) ? `'${str(value)}' is not a routable CIDR` : undefined
}

/** Inside 127.0.0.0/8 or ::1. */
export const isLoopback = ({ version, first }: { version: 4 | 6; first: bigint }): boolean =>
  version === 4 ? first >> 24n === 127n : first === 1n

function exactKeys(keys: readonly string[], value: unknown): string | undefined {
  const set = (names: readonly string[]) => (names.length === 0 ? 'set()' : `{${names.map(repr).join(', ')}}`)
  if (!isDictionary(value)) return `Invalid input. '${str(value)}' must be a dictionary with keys: ${repr(keys)}`
  const given = Object.keys(value)
  if (given.length === keys.length && keys.every((key) => key in value)) return undefined
  return `Validation of dictionary's keys failed. Expected keys: ${set(keys)} Provided keys: ${set(given)}`
}

export const ipPools: Check = (value) => {
  if (!Array.isArray(value)) return `Invalid data format for IP pool: '${str(value)}'`
  return firstReason(value, (pool) => exactKeys(['start', 'end'], pool) ?? firstReason(Object.values(pool as object), ipAddress))
}

export const hostRoutes: Check = (value) => {
  if (!Array.isArray(value)) return `Invalid data format for hostroute: '${str(value)}'`
  const twice = duplicates(value)
  return firstReason(value, (route) => {
    const { destination, nexthop } = isDictionary(route) ? route : {}
    const wrong = exactKeys(['destination', 'nexthop'], route) ?? routeCidr(destination) ?? ipAddress(nexthop)
    return wrong ?? (twice.includes(route) ? `Duplicate hostroute '${str(route)}'` : undefined)
  })
}

export const nameservers: Check = (value) => {
  if (!Array.isArray(value)) return `Invalid data format for nameserver: '${str(value)}'`
  const reason = firstReason(value, (host) => {
    const why = ipAddress(host)
    return why && `'${str(host)}' is not a valid nameserver. ${why}`
  })
  return reason ?? duplicates(value).map((host) => `Duplicate nameserver '${host}'`)[0]
}

export const fixedIps: Check = (value) => {
  if (!Array.isArray(value)) return `Invalid data format for fixed IP: '${str(value)}'`
  const seen = new Set<unknown>()
  return firstReason(value, (fixed) => {
    if (!isDictionary(fixed)) return `Invalid data format for fixed IP: '${str(fixed)}'`
    if ('ip_address' in fixed) {
      if (seen.has(fixed.ip_address)) return `Duplicate IP address '${str(fixed.ip_address)}'`
      const reason = ipAddress(fixed.ip_address)
      if (reason) return reason
      seen.add(fixed.ip_address)
    }
    return 'subnet_id' in fixed ? uuid(fixed.subnet_id) : undefined
  })
}

export const macAddress: Check = (value) => {
  const mac = canonicalMac(value)
  return mac && mac !== '00:00:00:00:00:00' && mac !== 'ff:ff:ff:ff:ff:ff' ? undefined : `'${str(value)}' is not a valid MAC address`
}

// neutron_lib/api/definitions/allowedaddresspairs.py: these are thrown, not reasons, and so lack the usual beginning.
export const addressPairs: Check = (value) => {
  if (!Array.isArray(value)) throw badRequest('Allowed address pairs must be a list.')
  if (value.length > 10) throw fault('AllowedAddressPairExhausted', 10)
  const seen = new Set<string>()
  for (const pair of value) {
    if (!isDictionary(pair)) throw badRequest(`Invalid data format for allowed address pair: '${str(pair)}'`)
    checkPair(pair)
    const key = JSON.stringify([pair.mac_address ?? null, pair.ip_address])
    if (seen.has(key)) throw fault('DuplicateAddressPairInRequest', str(pair.mac_address ?? null), String(pair.ip_address))
    seen.add(key)
  }
  return undefined
}

function checkPair(pair: Record<string, unknown>): void {
  if ('mac_address' in pair) {
    const reason = macAddress(pair.mac_address)
    if (reason) throw badRequest(reason)
  }
  if (!('ip_address' in pair)) throw fault('AllowedAddressPairsMissingIP')
  const unknown = Object.keys(pair).filter((key) => key !== 'mac_address' && key !== 'ip_address')
  if (unknown.length > 0) throw badRequest(`Unrecognized attribute(s) '${unknown.join(', ')}'`)
  const reason = String(pair.ip_address).includes('/') ? ipSubnet(pair.ip_address) : ipAddress(pair.ip_address)
  if (reason) throw badRequest(reason)
}

/** `opt_name`, `opt_value` (null removes) and perhaps `ip_version`; a router option may be blank. */
export const dhcpOptions: Check = (value) => {
  if (value === null) return undefined
  if (!Array.isArray(value)) throw invalidInput(`'${str(value)}' is not a list`)
  for (const option of value) if (!isDhcpOption(option)) throw invalidInput(`No valid key specs matched for: ${str(option)}`)
  return undefined
}

function isDhcpOption(option: unknown): boolean {
  if (!isDictionary(option) || !('opt_name' in option) || !('opt_value' in option)) return false
  if (Object.keys(option).some((key) => !['opt_name', 'opt_value', 'ip_version'].includes(key))) return false
  if ('ip_version' in option && ![4, 6].includes(Number(option.ip_version))) return false
  if (option.opt_name === 'router' || option.opt_name === 'classless-static-route') return !orNull(text(255))(option.opt_value)
  return !oneLine(64)(option.opt_name) && !orNull(oneLine(255))(option.opt_value)
}

const oneLine =
  (most: number): Check =>
  (value) =>
    notEmptyText(most)(value) ?? (/[\r\n]/.test(String(value)) ? 'more than one line' : undefined)

// neutron_lib/api/validators/dns.py
const dnsFormat = (value: string, most: number): string | undefined => {
  const trimmed = value.replace(/\.$/, '')
  const because = (reason: string) => `'${value}' not a valid PQDN or FQDN. Reason: ${reason}`
  if (trimmed.length > most) return because(`'${trimmed}' exceeds the ${most} character FQDN limit`)
  for (const label of trimmed.split('.')) {
    if (label === '') return because('Encountered an empty component')
    if (/^-|-$/.test(label)) return because(`Name '${label}' must not start or end with a hyphen`)
    if (!/^[a-z0-9-]{1,63}$/i.test(label))
      return because(`Name '${label}' must be 1-63 characters long, each of which can only be alphanumeric or a hyphen`)
  }
  const labels = trimmed.split('.')
  return labels.length > 1 && /^\d+$/.test(labels.at(-1)!) ? because(`TLD '${labels.at(-1)}' must not be all numeric`) : undefined
}

/** A host name, relative or with its domain; may be empty. */
export const dnsName: Check = (value) => text(255)(value) ?? (value === '' ? undefined : dnsFormat(String(value), 255))

/** A relative host name; may be empty. */
export const relativeDnsName: Check = (value) =>
  text(255)(value) ?? (String(value).endsWith('.') ? `'${value}' is a FQDN. It should be a relative domain name` : dnsName(value))

/** A domain that ends with a dot; may be empty. */
export const dnsDomain: Check = (value) =>
  text(255)(value) ?? (value !== '' && !String(value).endsWith('.') ? `'${value}' is not a FQDN` : dnsName(value))

// oslo_utils/strutils.py bool_from_string(strict=True)
export const toBoolean: Convert = (value) => {
  const word = str(value).trim().toLowerCase()
  if (['1', 't', 'true', 'on', 'y', 'yes'].includes(word)) return true
  if (['0', 'f', 'false', 'off', 'n', 'no'].includes(word)) return false
  throw invalidInput(`'${str(value)}' cannot be converted to boolean`)
}

export const toInteger: Convert = (value) => {
  if (typeof value === 'number' || typeof value === 'boolean') return Math.trunc(Number(value))
  if (typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value)) return Number(value)
  throw invalidInput(`'${str(value)}' is not an integer`)
}

export const toLowerCase: Convert = (value) => {
  if (typeof value === 'string') return value.toLowerCase()
  throw invalidInput(`Input value ${str(value)} must be string type`)
}

export const nullToList: Convert = (value) => value ?? []
export const toCanonicalIp: Convert = (value) => (typeof value === 'string' ? canonicalIp(value) : value)
/** Leaves what is no hardware address to the check. */
export const toCanonicalMac: Convert = (value) => canonicalMac(value) ?? value

export const toCanonicalCidr: Convert = (value) => {
  const cidr = parseCidr(value)
  if (!cidr) throw invalidInput(`${str(value)} is not in a CIDR format`)
  return formatNetwork(cidr)
}

export const toCanonicalPools: Convert = (value) => {
  if (value === null) return []
  if (!Array.isArray(value) || !value.every(isDictionary)) throw invalidInput('Invalid data format for allocation pools')
  return value.map((pool) => Object.fromEntries(Object.entries(pool).map(([key, ip]) => [key, toCanonicalIp(ip)])))
}

/** Addresses of fixed IPs in canonical form. */
export const toCanonicalFixedIps: Convert = (value) => {
  if (!Array.isArray(value)) return value
  return value.map((fixed) => {
    const ip = isDictionary(fixed) ? parseIp(fixed.ip_address) : undefined
    return ip ? { ...fixed, ip_address: formatIp(ip.version, ip.value) } : fixed
  })
}

/** `['key=a', 'key=b']` of a query → `{ key: ['a', 'b'] }`. neutron_lib/api/converters.py convert_kvp_list_to_dict */
export function keyValues(values: readonly string[]): Record<string, string[]> {
  const out: Record<string, string[]> = {}
  for (const value of values) {
    const [, key, held] = /^\s*([^=]+?)\s*=\s*(.*?)\s*$/s.exec(value) ?? []
    if (!key) throw invalidInput(`'${value}' is not of the form <key>=[value]`)
    ;(out[key] ??= []).push(held!)
  }
  return out
}
