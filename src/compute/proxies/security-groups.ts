/** Security groups of Neutron, as the compute API shows and changes them until 2.35. */
import type { RequestContext } from '../../oslo/context.ts'
import type { NeutronSecurityGroup } from '../../peers/neutron.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { neutronSays } from './neutron-says.ts'
import type { NewRule } from './new-rule.ts'

export type SecurityGroup = NeutronSecurityGroup

/** A rule as Neutron has it. */
export interface SecurityGroupRule {
  readonly id: string
  readonly security_group_id: string
  readonly direction: string
  readonly protocol: string | null
  readonly port_range_min?: number | null
  readonly port_range_max?: number | null
  readonly remote_group_id: string | null
  readonly remote_ip_prefix?: string | null
}

/** Those of a project; of all when undefined. */
export const listSecurityGroups = (
  { peers }: Backends,
  context: RequestContext,
  projectId: string | undefined,
): Promise<readonly SecurityGroup[]> =>
  neutronSays(() => peers.neutron.as(context).list('security-groups', projectId === undefined ? {} : { tenant_id: projectId }))

/** Throws `missing` in Neutron's words. */
export function findSecurityGroup({ peers }: Backends, context: RequestContext, id: string): Promise<SecurityGroup> {
  return told(async () => {
    const { session } = peers.neutron.as(context)
    const answer = await session.request({ path: `/v2.0/security-groups/${encodeURIComponent(id)}` })
    return answer.json<{ security_group: SecurityGroup }>().security_group
  })
}

export interface Naming {
  readonly name: string
  readonly description: string
}

/** Throws `overQuota` for whatever Neutron calls a conflict, such as a second default group. */
export const createSecurityGroup = ({ peers }: Backends, context: RequestContext, body: Naming): Promise<SecurityGroup> =>
  neutronSays(() => peers.neutron.as(context).create('security-groups', body), {
    400: 'badRequest',
    409: 'overQuota',
  })

export const updateSecurityGroup = ({ peers }: Backends, context: RequestContext, id: string, body: Naming): Promise<SecurityGroup> =>
  neutronSays(() => peers.neutron.as(context).update('security-groups', id, body))

/** Throws `missing`, and `badRequest` while it is in use. */
export async function deleteSecurityGroup(backends: Backends, context: RequestContext, id: string): Promise<void> {
  await findSecurityGroup(backends, context, id)
  const { session } = backends.peers.neutron.as(context)
  await told(() => session.request({ method: 'DELETE', path: `/v2.0/security-groups/${encodeURIComponent(id)}` }), { 409: 'badRequest' })
}

/** Throws `badRequest` when the group has one like it, `missing` and `overQuota`. */
export async function addRule(
  { peers }: Backends,
  context: RequestContext,
  group: SecurityGroup,
  rule: NewRule,
): Promise<SecurityGroupRule> {
  if (rulesOf(group).some((known) => isSame(known, rule))) throw new Fault('badRequest', `This rule already exists in group ${group.id}`)
  const made = await told(() => peers.neutron.as(context).create('security-group-rules', neutronForm(group.id, rule)), {
    400: 'badRequest',
    409: 'overQuota',
  })
  return made as unknown as SecurityGroupRule
}

/** Throws `missing`. */
export async function deleteRule(backends: Backends, context: RequestContext, id: string): Promise<void> {
  const { session } = backends.peers.neutron.as(context)
  const path = `/v2.0/security-group-rules/${encodeURIComponent(id)}`
  const answer = await told(() => session.request({ path }))
  const { security_group_rule: rule } = answer.json<{ security_group_rule: SecurityGroupRule }>()
  await findSecurityGroup(backends, context, rule.security_group_id)
  await neutronSays(() => session.request({ method: 'DELETE', path }))
}

/** Only what comes in had rules. */
export const rulesOf = (group: SecurityGroup): readonly SecurityGroupRule[] =>
  ((group.security_group_rules ?? []) as readonly SecurityGroupRule[]).filter(({ direction }) => direction === 'ingress')

const told = <T>(work: () => Promise<T>, refusals: Parameters<typeof neutronSays>[1] = {}): Promise<T> =>
  neutronSays(work, { ...refusals, 404: 'missing' })

/** nova/network/security_group_api.py _rule_exists: the protocol as it was written */
function isSame(known: SecurityGroupRule, wanted: NewRule): boolean {
  const { from, to } = portsOf(known)
  const cidr = known.remote_ip_prefix || anywhere
  return (
    (known.remote_group_id ?? undefined) === wanted.groupId &&
    cidr === wanted.cidr &&
    (known.protocol ?? undefined) === wanted.protocol &&
    (from ?? undefined) === wanted.from &&
    (to ?? undefined) === wanted.to
  )
}

/** What a rule without a source lets in. */
export const anywhere = '0.0.0.0/0'

/** A protocol without ports had them all. nova/network/security_group_api.py _convert_to_nova_security_group_rule_format */
export function portsOf({ protocol, port_range_min: from = null, port_range_max: to = null }: SecurityGroupRule) {
  if (!protocol || from !== null || to !== null) return { from, to }
  return ['TCP', 'UDP'].includes(protocol.toUpperCase()) ? { from: 1, to: 65535 } : { from: -1, to: -1 }
}

const neutronForm = (groupId: string, { cidr, groupId: remote, protocol, from, to }: NewRule) => ({
  direction: 'ingress',
  protocol: protocol ?? null,
  ethertype: cidr?.includes(':') ? 'IPv6' : 'IPv4',
  remote_ip_prefix: cidr ?? null,
  security_group_id: groupId,
  remote_group_id: remote ?? null,
  ...(from !== undefined && from !== -1 && { port_range_min: from }),
  ...(to !== undefined && to !== -1 && { port_range_max: to }),
})
