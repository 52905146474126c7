/** Security groups of Neutron in the form that the compute API had for its own. */
import type { SecurityGroup } from '../../../compute/servers/security-groups.ts'

interface Rule {
  readonly id: string
  readonly security_group_id: string
  readonly direction: string
  readonly protocol: string | null
  readonly port_range_min?: number | null
  readonly port_range_max?: number | null
  readonly remote_group_id: string | null
  readonly remote_ip_prefix?: string | null
}

/** Only what comes in had rules. */
const rulesOf = (group: SecurityGroup): readonly Rule[] =>
  ((group.security_group_rules ?? []) as unknown as readonly Rule[]).filter(({ direction }) => direction === 'ingress')

/** The groups that the rules of these let in. */
export const remoteGroups = (groups: readonly SecurityGroup[]): string[] => [
  ...new Set(groups.flatMap((group) => rulesOf(group).flatMap(({ remote_group_id }) => remote_group_id || []))),
]

/** Rules that let in a group that is not known, because it is gone or not to be seen, are left out. nova/api/openstack/compute/security_groups.py */
export function groupShown(group: SecurityGroup, known: ReadonlyMap<string, SecurityGroup>) {
  return {
    id: group.id,
    description: group.description,
    name: group.name,
    tenant_id: String(group.tenant_id),
    rules: rulesOf(group).flatMap((rule) => {
      const { remote_group_id: remote } = rule
      const source = remote ? known.get(remote) : undefined
      if (remote && !source) return []
      return {
        id: rule.id,
        parent_group_id: rule.security_group_id,
        ip_protocol: rule.protocol,
        ...portsOf(rule),
        group: source ? { name: source.name, tenant_id: source.tenant_id } : {},
        ip_range: source ? {} : { cidr: rule.remote_ip_prefix || '0.0.0.0/0' },
      }
    }),
  }
}

/** nova/network/security_group_api.py _convert_to_nova_security_group_rule_format: a protocol without ports had them all */
function portsOf({ protocol, port_range_min: from = null, port_range_max: to = null }: Rule) {
  if (!protocol || from !== null || to !== null) return { from_port: from, to_port: to }
  const whole = ['TCP', 'UDP'].includes(protocol.toUpperCase())
  return whole ? { from_port: 1, to_port: 65535 } : { from_port: -1, to_port: -1 }
}
