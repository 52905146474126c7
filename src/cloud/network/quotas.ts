/** Quotas of projects: limits, defaults and what is used. neutron/extensions/quotasv2.py, neutron/extensions/quotasv2_detail.py */
import type { AuthenticatedCall, Routes } from '../service.ts'
import { isDictionary, range, toInteger } from './checks.ts'
import { badRequest, fault } from './faults.ts'
import { floatingIps } from './floatingips.ts'
import { networks } from './networks.ts'
import { enforce } from './policy.ts'
import { ports } from './ports.ts'
import { rbacPolicies } from './rbac-policies.ts'
import type { Resource } from './resource.ts'
import { routers } from './routers.ts'
import { securityGroupRules } from './security-group-rules.ts'
import { securityGroups } from './security-groups.ts'
import { limitsOf, type Neutron } from './state.ts'
import { subnetPools } from './subnetpools.ts'
import { subnets } from './subnets.ts'

/** Neutron's own defaults (neutron/conf/quota.py). */
export const defaultQuotas: Readonly<Record<string, number>> = {
  network: 100,
  subnet: 100,
  subnetpool: -1,
  port: 500,
  router: 10,
  floatingip: 50,
  rbac_policy: 10,
  security_group: 10,
  security_group_rule: 100,
}

type Counted = Pick<Resource<never>, 'name' | 'used'>
const counted = [
  networks,
  subnets,
  subnetPools,
  ports,
  routers,
  floatingIps,
  rbacPolicies,
  securityGroups,
  securityGroupRules,
] as readonly Counted[]

const used = (neutron: Neutron, resource: string, projectId: string): number =>
  counted.find(({ name }) => name === resource)?.used?.(neutron.store, projectId) ?? 0

const intRange = range(-1, 2 ** 31 - 1)

export const quotaRoutes = (neutron: Neutron): Routes => ({
  'GET /v2.0/quotas': ({ caller }) => {
    enforce('get_quota', {}, { neutron, caller })
    return {
      quotas: neutron.store.quotas.all().map(({ id }) => ({ ...limitsOf(neutron, id), project_id: id, tenant_id: id })),
    }
  },
  'GET /v2.0/quotas/:id': (call) => {
    const { id } = call.params
    // Which project the token is for.
    if (id === 'tenant' || id === 'project') return { [id]: { [`${id}_id`]: call.caller.projectId } }
    enforceOwn(neutron, call)
    return { quota: limitsOf(neutron, id!) }
  },
  'GET /v2.0/quotas/:id/default': (call) => {
    enforceOwn(neutron, call)
    return { quota: neutron.settings.quotas }
  },
  'GET /v2.0/quotas/:id/details': (call) => details(neutron, call),
  'GET /v2.0/quotas/:id/details.json': (call) => details(neutron, call),
  'PUT /v2.0/quotas/:id': (call) => update(neutron, call),
  'DELETE /v2.0/quotas/:id': ({ caller, params }) => {
    enforce('delete_quota', {}, { neutron, caller })
    if (!neutron.store.write(() => neutron.store.quotas.remove(params.id!))) throw fault('TenantQuotaNotFound', params.id!)
  },
})

/** A project may read its own; the rule is asked about others'. */
function enforceOwn(neutron: Neutron, { caller, params }: AuthenticatedCall): void {
  if (params.id !== caller.projectId) enforce('get_quota', {}, { neutron, caller })
}

function details(neutron: Neutron, { caller, params }: AuthenticatedCall): unknown {
  if (params.id !== caller.projectId && !caller.isAdmin)
    throw fault('AdminRequired', 'Only admin is authorized to access quotas for another project')
  const limits = Object.entries(limitsOf(neutron, params.id!))
  return { quota: Object.fromEntries(limits.map(([key, limit]) => [key, { limit, used: used(neutron, key, params.id!), reserved: 0 }])) }
}

/** A limit below what is used is refused unless forced (quota-check-limit-default). */
function update(neutron: Neutron, { caller, params, body }: AuthenticatedCall): unknown {
  enforce('update_quota', {}, { neutron, caller })
  const sent = isDictionary(body) ? body.quota : undefined
  if (!isDictionary(sent)) throw badRequest("Unable to find 'quota' in request body")
  const { force, check_limit: _, ...given } = sent
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(neutron.settings.quotas, key))
  if (unknown.length > 0) throw badRequest(`Unrecognized attribute(s) '${unknown.join(', ')}'`)
  const limits = Object.fromEntries(Object.entries(given).map(([key, value]) => [key, checkedLimit(key, value)]))
  if (force !== true) for (const [key, limit] of Object.entries(limits)) refuseBelowUse(key, limit, used(neutron, key, params.id!))
  const before = neutron.store.quotas.get(params.id!)?.limits
  neutron.store.write(() => neutron.store.quotas.put({ id: params.id!, limits: { ...before, ...limits } }))
  return { quota: limitsOf(neutron, params.id!) }
}

function checkedLimit(key: string, value: unknown): number {
  const limit = toInteger(value)
  const reason = intRange(limit)
  if (reason) throw badRequest(`Invalid input for ${key}. Reason: ${reason}.`)
  return limit as number
}

function refuseBelowUse(key: string, limit: number, inUse: number): void {
  if (limit >= 0 && inUse > limit)
    throw badRequest(`Quota limit ${limit} for ${key} must be greater than or equal to already used ${inUse}`)
}
