/** What a rule of a security group may be (nova/network/security_group_api.py _new_ingress_rule). */
import { isIPv4, isIPv6 } from 'node:net'
import { integerFrom } from '../../oslo/python.ts'
import { Fault } from '../faults.ts'
import { anywhere } from './security-groups.ts'

/** Values as they were sent: nothing about them was checked. */
export interface Asked {
  readonly protocol?: unknown
  readonly from?: unknown
  readonly to?: unknown
  readonly cidr?: unknown
  readonly groupId?: string | undefined
}

/** Lets in a network, or the members of a group. */
export interface NewRule {
  readonly cidr?: string
  readonly groupId?: string
  readonly protocol?: string
  readonly from?: number
  readonly to?: number
}

/** Throws `badRequest` and `invalidInput`. A network needs protocol and ports; a group has all of them where none is said. */
export function newRule({ cidr, groupId, protocol, from, to }: Asked): NewRule {
  const source = groupId === undefined ? { cidr: network(cidr) } : { groupId }
  const ports = groupId === undefined ? [from, to] : allWhenUnsaid(protocol, from, to)
  const given = portsOf(protocol, ports[0], ports[1])
  if (!given && groupId === undefined) throw new Fault('badRequest', 'Not enough parameters to build a valid rule.')
  if (source.cidr !== undefined && isWrongPrefix(source.cidr))
    throw new Fault('badRequest', `Bad prefix for network in cidr ${source.cidr}`)
  return { ...source, ...given }
}

function network(cidr: unknown): string {
  if (!cidr) return anywhere
  const text = decoded(String(cidr))
  if (text === undefined || !isCidr(text)) throw new Fault('badRequest', `${text ?? cidr} is not a valid IP network.`)
  return text
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const isCidr = (text: string): boolean => prefixOf(text) !== undefined

/** How many bits of an address count: a number as Python's int() reads it, or a mask of IPv4, of the network or of its hosts. netaddr.IPNetwork */
function prefixOf(text: string): number | undefined {
  const [address = '', length = '', ...rest] = text.split('/')
  const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1
  if (rest.length > 0 || most === -1) return undefined
  const bits = integerFrom(length)
  if (bits !== undefined) return bits >= 0 && bits <= most ? bits : undefined
  return most === 32 && isIPv4(length) ? bitsOfMask(length) : undefined
}

function bitsOfMask(mask: string): number | undefined {
  const bits = mask
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('')
  if (/^1*0*$/.test(bits)) return bits.indexOf('0') === -1 ? 32 : bits.indexOf('0')
  return /^0*1*$/.test(bits) ? bits.indexOf('1') : undefined
}

const isWrongPrefix = (cidr: string): boolean => prefixOf(cidr) === 0 && !/^[0.:]+\//.test(cidr)

function allWhenUnsaid(protocol: unknown, from: unknown, to: unknown): [unknown, unknown] {
  if (!isUnsaid(from) || !isUnsaid(to)) return [from, to]
  const name = String(protocol ?? '').toUpperCase()
  if (name === 'ICMP') return [-1, -1]
  return name === 'TCP' || name === 'UDP' ? [1, 65535] : [from, to]
}

const isUnsaid = (value: unknown): boolean => value === undefined || value === null

function portsOf(protocol: unknown, from: unknown, to: unknown): Pick<NewRule, 'protocol' | 'from' | 'to'> | undefined {
  if (!protocol || isUnsaid(from) || isUnsaid(to)) return undefined
  const name = String(protocol)
  const kind = name.toUpperCase()
  const [first, last] = [integerFrom(from), integerFrom(to)]
  if (first === undefined || last === undefined)
    throw new Fault(
      'invalidInput',
      kind === 'ICMP' ? 'Type and Code must be integers for ICMP protocol type' : 'To and From ports must be integers',
    )
  if (!['TCP', 'UDP', 'ICMP'].includes(kind)) throw new Fault('badRequest', `Invalid IP protocol ${name}.`)
  const wrong = kind === 'ICMP' ? wrongCode(first, last) : wrongPorts(kind, first, last)
  if (wrong) throw new Fault('badRequest', `Invalid port range ${first}:${last}. ${wrong}`)
  return { protocol: name, from: first, to: last }
}

function wrongPorts(kind: string, from: number, to: number): string | undefined {
  if (from > to) return 'Former value cannot be greater than the later'
  return from < 1 || to > 65535 ? `Valid ${kind} ports should be between 1-65535` : undefined
}

const wrongCode = (type: number, code: number): string | undefined =>
  [type, code].some((value) => value < -1 || value > 255) ? 'For ICMP, the type:code must be valid' : undefined
