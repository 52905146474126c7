/** What a security group rule may say, and when two say the same. neutron/extensions/securitygroup.py, neutron/db/securitygroups_db.py */
import { repr, str } from '../../oslo/python.ts'
import { formatCidr, parseCidr } from './addresses.ts'
import type { Attributes } from './attributes.ts'
import { oneOf } from './checks.ts'
import type { RuleShape } from './documents.ts'
import { fault } from './faults.ts'

// neutron_lib/constants.py IP_PROTOCOL_MAP, in the order in which messages list them.
const protocols: Readonly<Record<string, number>> = {
  ah: 51,
  dccp: 33,
  egp: 8,
  esp: 50,
  gre: 47,
  hopopt: 0,
  icmp: 1,
  igmp: 2,
  ip: 0,
  ipip: 4,
  'ipv6-encap': 41,
  'ipv6-frag': 44,
  'ipv6-icmp': 58,
  icmpv6: 58,
  'ipv6-nonxt': 59,
  'ipv6-opts': 60,
  'ipv6-route': 43,
  ospf: 89,
  pgm: 113,
  rsvp: 46,
  sctp: 132,
  tcp: 6,
  udp: 17,
  udplite: 136,
  vrrp: 112,
}
const withPorts = [33, 132, 6, 17, 136]
const icmp = [1, 58]
const ipv6Only = [
  'ipv6-encap',
  'ipv6-frag',
  'ipv6-icmp',
  'icmpv6',
  'ipv6-nonxt',
  'ipv6-opts',
  'ipv6-route',
  '41',
  '44',
  '58',
  '59',
  '60',
  '43',
]

function toProtocol(value: unknown): string | null {
  if (value === null || value === 'any') return null
  if (/^\s*\+?\d+\s*$/.test(String(value)) && typeof value !== 'boolean' && Number(value) <= 255) return String(value)
  const name = typeof value === 'string' ? value.toLowerCase() : ''
  if (Object.hasOwn(protocols, name)) return name
  const names = `(None, ${['any', ...Object.keys(protocols)].map(repr).join(', ')})`
  throw fault('SecurityGroupRuleInvalidProtocol', str(value), names)
}

function toEthertype(value: unknown): string {
  const found = ['IPv4', 'IPv6'].find((type) => type.toLowerCase() === String(value).toLowerCase())
  if (!found) throw fault('SecurityGroupRuleInvalidEtherType', str(value), "['IPv4', 'IPv6']")
  return found
}

function toPort(value: unknown): number | null {
  if (value === null) return null
  if (/^\d+$/.test(String(value)) && Number(value) <= 65_535) return Number(value)
  throw fault('SecurityGroupInvalidPortValue', str(value))
}

function toPrefix(value: unknown): string | null {
  if (!value) return null
  const cidr = parseCidr(value)
  if (!cidr) throw fault('InvalidCIDR', str(value))
  return formatCidr(cidr)
}

const listed = { filter: true, sort: true } as const

export const ruleAttributes: Attributes<RuleShape> = {
  direction: { post: true, check: oneOf(['ingress', 'egress']), ...listed },
  ethertype: { post: true, default: 'IPv4', convert: toEthertype, ...listed },
  protocol: { post: true, default: null, convert: toProtocol, ...listed },
  port_range_min: { post: true, default: null, convert: toPort, ...listed },
  port_range_max: { post: true, default: null, convert: toPort, ...listed },
  remote_ip_prefix: { post: true, default: null, convert: toPrefix, ...listed },
  remote_group_id: { post: true, default: null, ...listed },
  remote_address_group_id: { post: true, default: null, ...listed },
}

/** The rule as it is kept; throws what contradicts itself. */
export function checkRule<R extends RuleShape>(sent: R): R {
  const rule = canonical(sent)
  checkPorts(rule)
  if (rule.remote_ip_prefix && rule.ethertype !== `IPv${parseCidr(rule.remote_ip_prefix)!.version}`)
    throw fault('SecurityGroupRuleParameterConflict', rule.ethertype, rule.remote_ip_prefix)
  if (rule.ethertype === 'IPv4' && rule.protocol && ipv6Only.includes(rule.protocol))
    throw fault('SecurityGroupEthertypeConflictWithProtocol', rule.ethertype, rule.protocol)
  const remotes = [rule.remote_ip_prefix, rule.remote_group_id, rule.remote_address_group_id]
  if (remotes.filter(Boolean).length > 1) throw fault('SecurityGroupMultipleRemoteEntites')
  return rule
}

/** ICMP over IPv6 has a name of its own; all ports are no ports. */
function canonical<R extends RuleShape>(rule: R): R {
  const { ethertype, protocol, port_range_min: min, port_range_max: max } = rule
  const legacy = ethertype === 'IPv6' && protocol ? { icmp: 'ipv6-icmp', icmpv6: 'ipv6-icmp', '1': '58' }[protocol] : undefined
  const all = min === 1 && max === 65_535
  return { ...rule, protocol: legacy ?? protocol, ...(all && { port_range_min: null, port_range_max: null }) }
}

function checkPorts({ protocol, port_range_min: min, port_range_max: max }: RuleShape): void {
  if (min === null && max === null) return
  if (!protocol) throw fault('SecurityGroupProtocolRequiredWithPorts')
  const number = protocols[protocol] ?? Number(protocol)
  if (withPorts.includes(number)) {
    if (min === 0 || max === 0) throw fault('SecurityGroupInvalidPortValue', 0)
    if (min === null || max === null || min > max) throw fault('SecurityGroupInvalidPortRange')
  } else if (icmp.includes(number)) {
    if (min !== null && min > 255) throw fault('SecurityGroupInvalidIcmpValue', 'type', 'port_range_min', min)
    if (max !== null && max > 255) throw fault('SecurityGroupInvalidIcmpValue', 'code', 'port_range_max', max)
    if (min === null) throw fault('SecurityGroupMissingIcmpType', max!)
  } else throw fault('SecurityGroupInvalidProtocolForPort', number, 'DCCP, SCTP, TCP, UDP, UDPLITE')
}

/** The same text for rules that mean the same: a protocol by name or number, no prefix or that of everything. */
export function ruleKey(rule: RuleShape): string {
  const everything = rule.remote_ip_prefix === '0.0.0.0/0' || rule.remote_ip_prefix === '::/0'
  return JSON.stringify([
    rule.direction,
    rule.ethertype,
    rule.protocol && (protocols[rule.protocol] ?? Number(rule.protocol)),
    rule.port_range_min,
    rule.port_range_max,
    rule.remote_group_id,
    rule.remote_address_group_id,
    everything ? null : rule.remote_ip_prefix,
  ])
}
