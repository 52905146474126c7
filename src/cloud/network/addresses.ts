/** Arithmetic on IPv4 and IPv6 addresses, networks and ranges, and on hardware addresses. Values are big integers, so both families are alike. */
import { isIPv4, isIPv6 } from 'node:net'

export type IpVersion = 4 | 6

export interface Ip {
  readonly version: IpVersion
  readonly value: bigint
}

export interface Cidr {
  readonly version: IpVersion
  /** The address as it was written, host bits included. */
  readonly ip: bigint
  readonly prefixlen: number
  readonly first: bigint
  readonly last: bigint
}

/** From `first` to `last`, both included. */
export interface Range {
  readonly version: IpVersion
  readonly first: bigint
  readonly last: bigint
}

export const bitsOf = (version: IpVersion): number => (version === 4 ? 32 : 128)

/** Undefined when it is no address. IPv4 needs four plain octets. */
export function parseIp(text: unknown): Ip | undefined {
  if (typeof text !== 'string') return undefined
  if (isIPv4(text)) return { version: 4, value: text.split('.').reduce((sum, octet) => (sum << 8n) | BigInt(octet), 0n) }
  if (!isIPv6(text) || text.includes('%')) return undefined
  return { version: 6, value: parseIpv6(text) }
}

function parseIpv6(text: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  if (dotted) {
    const low = parseIp(dotted[2])!.value
    return parseIpv6(`${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`)
  }
  const [head, tail] = text.split('::') as [string, string | undefined]
  const before = head ? head.split(':') : []
  const after = tail ? tail.split(':') : []
  const middle = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill('0')
  return [...before, ...middle, ...after].reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}

/** As Neutron writes it; IPv6 in its short form. */
export function formatIp(version: IpVersion, value: bigint): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  const run = longestZeros(groups)
  if (run.length < 2) return groups.join(':')
  return `${groups.slice(0, run.start).join(':')}::${groups.slice(run.start + run.length).join(':')}`
}

function longestZeros(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  let start = -1
  for (const [i, group] of groups.entries()) {
    if (group !== '0') start = -1
    else if (start < 0) start = i
    if (start >= 0 && i - start + 1 > best.length) best = { start, length: i - start + 1 }
  }
  return best
}

/** An address in its canonical form; what is no address is handed back. */
export const canonicalIp = (text: string): string => {
  const ip = parseIp(text)
  return ip ? formatIp(ip.version, ip.value) : text
}

/** `10.0.0.5/24`, `10.0.0.5/255.255.255.0` or a lone address. Undefined when it is none of these. */
export function parseCidr(text: unknown): Cidr | undefined {
  if (typeof text !== 'string') return undefined
  const [address, length, ...more] = text.split('/') as [string, string | undefined, ...string[]]
  const ip = parseIp(address)
  if (!ip || more.length > 0) return undefined
  const prefixlen = length === undefined ? bitsOf(ip.version) : prefixOf(length, ip.version)
  return prefixlen === undefined ? undefined : cidrOf(ip, prefixlen)
}

export function cidrOf(ip: Ip, prefixlen: number): Cidr {
  const size = 1n << BigInt(bitsOf(ip.version) - prefixlen)
  const first = (ip.value / size) * size
  return { version: ip.version, ip: ip.value, prefixlen, first, last: first + size - 1n }
}

function prefixOf(length: string, version: IpVersion): number | undefined {
  if (/^\d{1,3}$/.test(length)) return Number(length) <= bitsOf(version) ? Number(length) : undefined
  const mask = version === 4 ? parseIp(length) : undefined
  const bits = mask?.value.toString(2).padStart(32, '0')
  return bits && /^1*0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : undefined
}

/** The network of a CIDR without host bits. */
export const formatNetwork = (cidr: Cidr): string => `${formatIp(cidr.version, cidr.first)}/${cidr.prefixlen}`

/** The CIDR as it was written, host bits included. */
export const formatCidr = (cidr: Cidr): string => `${formatIp(cidr.version, cidr.ip)}/${cidr.prefixlen}`

export const overlap = (a: Range, b: Range): boolean => a.version === b.version && a.first <= b.last && b.first <= a.last

/** Whether all of `inner` lies in `outer`. */
export const covers = (outer: Range, inner: Range): boolean =>
  outer.version === inner.version && outer.first <= inner.first && inner.last <= outer.last

export const holds = (range: Range, ip: Ip): boolean => range.version === ip.version && range.first <= ip.value && ip.value <= range.last

export const formatRange = (range: Range): string => `${formatIp(range.version, range.first)}-${formatIp(range.version, range.last)}`

/** The fewest ranges that hold the same addresses, in order. All of one family. */
export function merge(ranges: readonly Range[]): Range[] {
  const out: Range[] = []
  for (const range of [...ranges].sort((a, b) => (a.first < b.first ? -1 : 1))) {
    const last = out.at(-1)
    if (last && range.first <= last.last + 1n) out[out.length - 1] = { ...last, last: range.last > last.last ? range.last : last.last }
    else out.push({ version: range.version, first: range.first, last: range.last })
  }
  return out
}

/** What of `from` is in none of `taken`. */
export function subtract(from: readonly Range[], taken: readonly Range[]): Range[] {
  let left = merge(from)
  for (const cut of taken)
    left = left.flatMap((range) =>
      !overlap(range, cut)
        ? [range]
        : [
            ...(range.first < cut.first ? [{ ...range, last: cut.first - 1n }] : []),
            ...(range.last > cut.last ? [{ ...range, first: cut.last + 1n }] : []),
          ],
    )
  return left
}

/** The fewest CIDRs that make up a range, in order. */
export function cidrsOf(range: Range): Cidr[] {
  const out: Cidr[] = []
  const bits = bitsOf(range.version)
  for (let at = range.first; at <= range.last; at = out.at(-1)!.last + 1n) {
    let prefixlen = bits
    while (prefixlen > 0) {
      const wider = cidrOf({ version: range.version, value: at }, prefixlen - 1)
      if (wider.first !== at || wider.last > range.last) break
      prefixlen--
    }
    out.push(cidrOf({ version: range.version, value: at }, prefixlen))
  }
  return out
}

/** Six octets in any common form → `fa:16:3e:00:00:01`, or undefined. */
export function canonicalMac(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined
  const form = /^(?:[0-9a-f]{1,2}([:-]))(?:[0-9a-f]{1,2}\1){4}[0-9a-f]{1,2}$|^(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}$|^[0-9a-f]{12}$/i
  if (!form.test(text)) return undefined
  const octets = /[:-]/.test(text) ? text.split(/[:-]/) : text.replaceAll('.', '').match(/../g)!
  return octets.map((octet) => octet.padStart(2, '0').toLowerCase()).join(':')
}

/** The address that a host makes itself from its hardware address (RFC 4862, modified EUI-64). */
export function eui64(prefix: Cidr, mac: string): string {
  const bytes = mac.split(':').map((octet) => Number.parseInt(octet, 16))
  const id = [bytes[0]! ^ 2, bytes[1]!, bytes[2]!, 0xff, 0xfe, bytes[3]!, bytes[4]!, bytes[5]!]
  return formatIp(6, prefix.first | id.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n))
}
