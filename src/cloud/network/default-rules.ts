/** The templates of the rules that new security groups start with. neutron/extensions/security_groups_default_rules.py */
import { type Attributes, common } from './attributes.ts'
import { text, toBoolean } from './checks.ts'
import type { DefaultRule, RuleShape, SecurityGroup, SecurityGroupRule } from './documents.ts'
import { fault } from './faults.ts'
import type { Resource } from './resource.ts'
import { checkRule, ruleAttributes, ruleKey } from './rule-shape.ts'
import { type Neutron, newborn } from './state.ts'

interface DefaultRuleValues extends RuleShape {
  readonly description: string
  readonly used_in_default_sg: boolean
  readonly used_in_non_default_sg: boolean
}

/** Stands for the group that the rule is made for. */
const parent = 'PARENT'

const attributes: Attributes<DefaultRule> = {
  id: common.id,
  description: { post: true, default: '', check: text(255), filter: true },
  ...ruleAttributes,
  used_in_default_sg: { post: true, default: false, convert: toBoolean, filter: true },
  used_in_non_default_sg: { post: true, default: true, convert: toBoolean, filter: true },
}

export const defaultRules: Resource<DefaultRule, DefaultRuleValues> = {
  name: 'default_security_group_rule',
  collection: 'default_security_group_rules',
  path: 'default-security-group-rules',
  attributes,
  table: (store) => store.defaultRules,
  missing: (id) => fault('DefaultSecurityGroupRuleNotFound', id),
  visible: () => true,
  create(values, { neutron }) {
    const shape = checkRule(values)
    const twin = neutron.store.defaultRules.find(
      (rule) =>
        ruleKey(rule) === ruleKey(shape) &&
        ((rule.used_in_default_sg && values.used_in_default_sg) || (rule.used_in_non_default_sg && values.used_in_non_default_sg)),
    )
    if (twin) throw fault('DefaultSecurityGroupRuleExists', twin.id)
    return neutron.store.defaultRules.put({ ...values, ...shape, id: neutron.ids.uuid() })
  },
  remove: ({ id }, { neutron }) => void neutron.store.defaultRules.remove(id),
}

const blank: Omit<RuleShape, 'direction' | 'ethertype'> = {
  protocol: null,
  port_range_min: null,
  port_range_max: null,
  remote_ip_prefix: null,
  remote_group_id: null,
  remote_address_group_id: null,
}

/** The templates Neutron starts with: all out for every group, all in from its own members for the default one. */
export function ensureDefaultRules(neutron: Neutron): void {
  if (neutron.store.defaultRules.size > 0) return
  for (const direction of ['egress', 'ingress'])
    for (const ethertype of ['IPv4', 'IPv6'])
      neutron.store.defaultRules.put({
        ...blank,
        id: neutron.ids.uuid(),
        direction,
        ethertype,
        remote_group_id: direction === 'ingress' ? parent : null,
        description: `Legacy default SG rule for ${direction} traffic`,
        used_in_default_sg: true,
        used_in_non_default_sg: direction === 'egress',
      })
}

/** The rules of a new group. Their description is null, unlike that of rules that callers make. */
export function rulesFor(neutron: Neutron, group: SecurityGroup): SecurityGroupRule[] {
  const templates = neutron.store.defaultRules.filter((rule) => (group.is_default ? rule.used_in_default_sg : rule.used_in_non_default_sg))
  return templates.map((rule) => ({
    ...newborn(neutron, { project_id: group.project_id, description: null }),
    security_group_id: group.id,
    direction: rule.direction,
    ethertype: rule.ethertype,
    protocol: rule.protocol,
    port_range_min: rule.port_range_min,
    port_range_max: rule.port_range_max,
    remote_ip_prefix: rule.remote_ip_prefix,
    remote_group_id: rule.remote_group_id === parent ? group.id : rule.remote_group_id,
    remote_address_group_id: rule.remote_address_group_id,
  }))
}
