/** Security groups of Neutron in the form that the compute API had for its own. */
import { anywhere, portsOf, rulesOf, type SecurityGroup, type SecurityGroupRule } from '../../../compute/proxies/security-groups.ts'

/** The groups that the rules of these let in. */
export const remoteGroups = (groups: readonly SecurityGroup[]): string[] => [
  ...new Set(groups.flatMap((group) => rulesOf(group).flatMap(({ remote_group_id }) => remote_group_id || []))),
]

/** Rules that let in a group that is not known, because it is gone or not to be seen, are left out. nova/api/openstack/compute/security_groups.py */
export const groupShown = (group: SecurityGroup, known: ReadonlyMap<string, SecurityGroup>) => ({
  id: group.id,
  description: group.description,
  name: group.name,
  tenant_id: String(group.tenant_id),
  rules: rulesOf(group).flatMap((rule) => {
    const source = rule.remote_group_id ? known.get(rule.remote_group_id) : undefined
    return rule.remote_group_id && !source ? [] : ruleShown(rule, source)
  }),
})

/** `source`: the group that it lets in, when it is one. */
export function ruleShown(rule: SecurityGroupRule, source: SecurityGroup | undefined) {
  const { from, to } = portsOf(rule)
  return {
    id: rule.id,
    parent_group_id: rule.security_group_id,
    ip_protocol: rule.protocol,
    from_port: from,
    to_port: to,
    group: source ? { name: source.name, tenant_id: source.tenant_id } : {},
    ip_range: source ? {} : { cidr: rule.remote_ip_prefix || anywhere },
  }
}
