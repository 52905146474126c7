/** Rules of security groups: no two that say the same. neutron/db/securitygroups_db.py */
import { addressGroups } from './address-groups.ts'
import { formatNetwork, parseCidr } from './addresses.ts'
import { type Attributes, common } from './attributes.ts'
import { text, toBoolean } from './checks.ts'
import type { RuleShape, SecurityGroupRule } from './documents.ts'
import { fault } from './faults.ts'
import { find, type Resource } from './resource.ts'
import { checkRule, ruleAttributes, ruleKey } from './rule-shape.ts'
import { type Neutron, newborn, type Operation, touched } from './state.ts'

export interface RuleValues extends RuleShape {
  readonly project_id: string
  readonly description: string
  readonly security_group_id: string
}

const listed = { filter: true, sort: true } as const
const { id, project_id, tenant_id, description, created_at, updated_at, revision_number } = common

const attributes: Attributes<SecurityGroupRule> = {
  id,
  project_id,
  tenant_id,
  security_group_id: { post: true, check: text(36), ...listed },
  ...ruleAttributes,
  normalized_cidr: { show: ({ remote_ip_prefix: prefix }) => prefix && formatNetwork(parseCidr(prefix)!), ...listed },
  belongs_to_default_sg: {
    convert: toBoolean,
    filter: true,
    show: (rule, { neutron }) => neutron.store.securityGroups.get(rule.security_group_id)?.is_default ?? false,
  },
  description: { ...description, put: false },
  created_at,
  updated_at,
  revision_number,
  // Filters know them; the rules themselves cannot be tagged.
  tags: { show: false },
}

export const securityGroupRules: Resource<SecurityGroupRule, RuleValues> = {
  name: 'security_group_rule',
  collection: 'security_group_rules',
  path: 'security-group-rules',
  attributes,
  table: (store) => store.securityGroupRules,
  missing: (ruleId) => fault('SecurityGroupRuleNotFound', ruleId),
  // Queries find them all; the rule about the group's owner hides others'.
  visible: () => true,
  indexed: ['security_group_id'],
  used: (store, projectId) => store.securityGroupRules.by('project_id', projectId).length,
  beforeCreate: ({ security_group_id }, operation) => refuseMissingGroup(security_group_id, operation),
  create: (values, operation) => createRules([values], operation)[0]!,
  createMany: createRules,
  remove(rule, { neutron }) {
    neutron.store.securityGroupRules.remove(rule.id)
    touchGroup(neutron, rule.security_group_id)
  },
}

/** Throws unless the group is there; whether it is the caller's to change, the policy says. */
function refuseMissingGroup(groupId: string, { neutron }: Operation): void {
  if (!neutron.store.securityGroups.get(groupId)) throw fault('SecurityGroupNotFound', groupId)
}

function createRules(values: readonly RuleValues[], operation: Operation): SecurityGroupRule[] {
  const { neutron } = operation
  const rules = values.map((sent) => checkedRule(sent, operation))
  const [first] = rules
  if (rules.some(({ security_group_id: group }) => group !== first!.security_group_id)) throw fault('SecurityGroupNotSingleGroupRules')
  if (rules.some(({ project_id: project }) => project !== first!.project_id)) throw fault('SecurityGroupRulesNotSingleProject')
  refuseTwins(neutron, first!.security_group_id, rules)
  for (const rule of rules) {
    neutron.store.securityGroupRules.put(rule)
    touchGroup(neutron, rule.security_group_id)
  }
  return rules
}

function checkedRule(sent: RuleValues, operation: Operation): SecurityGroupRule {
  const rule = checkRule(sent)
  if (rule.remote_group_id) refuseMissingGroup(rule.remote_group_id, operation)
  if (rule.remote_address_group_id) find(addressGroups, rule.remote_address_group_id, operation)
  const { project_id: project, description: words, ...shape } = rule
  return { ...newborn(operation.neutron, { project_id: project, description: words }), ...shape }
}

function refuseTwins(neutron: Neutron, groupId: string, rules: readonly SecurityGroupRule[]): void {
  const keys = new Set(rules.map(ruleKey))
  if (keys.size < rules.length) throw fault('DuplicateSecurityGroupRuleInPost')
  const twin = neutron.store.securityGroupRules.by('security_group_id', groupId).find((rule) => keys.has(ruleKey(rule)))
  if (twin) throw fault('SecurityGroupRuleExists', twin.id)
}

function touchGroup(neutron: Neutron, groupId: string): void {
  const group = neutron.store.securityGroups.get(groupId)
  if (group) neutron.store.securityGroups.put(touched(neutron, group))
}
