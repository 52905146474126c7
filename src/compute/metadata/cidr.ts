/** Networks in CIDR notation, in the spellings that Python's netaddr gives. */
import { isIPv6 } from 'node:net'

export interface Cidr {
  readonly version: 4 | 6
  readonly prefix: number
  /** The address as it was given. */
  readonly address: string
  /** The first address. */
  readonly network: string
  readonly netmask: string
  /** The last address. */
  readonly broadcast: string
}

/** `10.0.0.0/24` or `fd00::/64`; one address alone is a network of its own. */
export function parseCidr(cidr: string): Cidr {
  const [address, length] = cidr.split('/') as [string, string?]
  const version = isIPv6(address) ? 6 : 4
  const bits = version === 4 ? 32 : 128
  const prefix = length === undefined ? bits : Number(length)
  const all = (1n << BigInt(bits)) - 1n
  const host = (1n << BigInt(bits - prefix)) - 1n
  const first = toInteger(address, version) & (all ^ host)
  const text = (value: bigint) => toText(value, version)
  return { version, prefix, address, network: text(first), netmask: text(all ^ host), broadcast: text(first | host) }
}

function toInteger(address: string, version: 4 | 6): bigint {
  if (version === 4) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
  const [head, tail] = shortest(address).split('::') as [string, string?]
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const words = [...before, ...Array<string>(tail === undefined ? 0 : 8 - before.length - after.length).fill('0'), ...after]
  return words.reduce((sum, word) => (sum << 16n) | BigInt(`0x${word}`), 0n)
}

function toText(value: bigint, version: 4 | 6): string {
  if (version === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.')
  const words = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16))
  return shortest(words.join(':'))
}

/** URLs spell addresses of version 6 in the shortest form. */
const shortest = (address: string): string => new URL(`http://[${address}]`).hostname.slice(1, -1)
