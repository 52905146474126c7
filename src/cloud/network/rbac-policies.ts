/** RBAC policies: what a project shares with another, or with all. neutron/db/rbac_db_mixin.py, neutron/extensions/rbac.py */
import { repr, str } from '../../oslo/python.ts'
import { type Attributes, common } from './attributes.ts'
import { text, uuid } from './checks.ts'
import type { RbacPolicy } from './documents.ts'
import { fault, invalidInput } from './faults.ts'
import { ownedBy, type Resource } from './resource.ts'
import { externalAction, shareAction } from './sharing.ts'
import type { Neutron, Operation } from './state.ts'
import type { Store } from './store.ts'

interface RbacValues {
  readonly project_id: string
  readonly object_type: string
  readonly object_id: string
  readonly action: string
  readonly target_tenant: string
}

type Owned = { readonly id: string; readonly project_id: string }

/** What can be shared, and how. */
const types: Readonly<Record<string, { find: (store: Store, id: string) => Owned | undefined; actions: readonly string[] }>> = {
  network: { find: (store, id) => store.networks.get(id), actions: [shareAction, externalAction] },
  security_group: { find: (store, id) => store.securityGroups.get(id), actions: [shareAction] },
  subnetpool: { find: (store, id) => store.subnetPools.get(id), actions: [shareAction] },
  address_scope: { find: (store, id) => store.addressScopes.get(id), actions: [shareAction] },
  address_group: { find: (store, id) => store.addressGroups.get(id), actions: [shareAction] },
}

function toType(value: unknown): string {
  const type = String(value ?? '')
    .trim()
    .toLowerCase()
  if (!Object.hasOwn(types, type)) throw invalidInput(`'${str(value)}' is not a valid RBAC object type`)
  return type
}

const attributes: Attributes<RbacPolicy> = {
  id: { filter: true },
  object_type: { post: true, convert: toType, guarded: true, filter: true },
  object_id: { post: true, check: uuid, guarded: true, filter: true },
  target_tenant: { post: true, put: true, check: text(255), guarded: true, filter: true },
  project_id: { post: true, check: text(255), filter: true },
  tenant_id: { ...common.tenant_id },
  action: { post: true, check: text(255), guarded: true, filter: true },
}

export const rbacPolicies: Resource<RbacPolicy, RbacValues> = {
  name: 'rbac_policy',
  collection: 'rbac_policies',
  path: 'rbac-policies',
  attributes,
  table: (store) => store.rbacPolicies,
  missing: (id) => fault('RbacPolicyNotFound', 'unknown', id),
  visible: ownedBy,
  indexed: ['object_id'],
  used: (store, projectId) => store.rbacPolicies.by('project_id', projectId).length,
  create: createPolicy,
  update: (policy, { target_tenant = policy.target_tenant }, { neutron }) => {
    if (target_tenant !== policy.target_tenant) refuseUsed(neutron, policy)
    return neutron.store.rbacPolicies.put({ ...policy, target_tenant })
  },
  remove(policy, { neutron }) {
    refuseUsed(neutron, policy)
    neutron.store.rbacPolicies.remove(policy.id)
  },
}

function createPolicy(values: RbacValues, { neutron, caller }: Operation): RbacPolicy {
  const { find, actions } = types[values.object_type]!
  if (!actions.includes(values.action))
    throw fault('InvalidActionForType', values.action, values.object_type, `(${actions.map(repr).join(', ')})`)
  const object = find(neutron.store, values.object_id)
  if (!object) throw invalidInput(`${values.object_type} ${values.object_id} could not be found`)
  if (!caller.isAdmin && object.project_id !== caller.projectId)
    throw invalidInput('Only admins can manipulate policies on objects they do not own')
  const twin = neutron.store.rbacPolicies
    .by('object_id', values.object_id)
    .find(({ action, target_tenant }) => action === values.action && target_tenant === values.target_tenant)
  if (twin) throw fault('DuplicateRbacPolicy')
  const network = values.action === externalAction ? neutron.store.networks.get(values.object_id) : undefined
  if (network && !network.external) neutron.store.networks.put({ ...network, external: true })
  return neutron.store.rbacPolicies.put({ ...values, id: neutron.ids.uuid() })
}

/** A share stays while those who lose it have ports on the network. */
function refuseUsed(neutron: Neutron, policy: RbacPolicy): void {
  const network = policy.action === shareAction ? neutron.store.networks.get(policy.object_id) : undefined
  if (!network || policy.target_tenant === network.project_id) return
  const others = neutron.store.rbacPolicies
    .by('object_id', network.id)
    .filter(({ id, action }) => id !== policy.id && action === shareAction)
  const kept = new Set([network.project_id, '', ...others.map(({ target_tenant }) => target_tenant)])
  if (kept.has('*')) return
  const loses = (projectId: string) => !kept.has(projectId) && (policy.target_tenant === '*' || policy.target_tenant === projectId)
  const using = neutron.store.ports.by('network_id', network.id).some(({ project_id }) => loses(project_id))
  if (using)
    throw fault(
      'RbacPolicyInUse',
      network.id,
      `Unable to reconfigure sharing settings for network ${network.id}. Multiple projects are using it.`,
    )
}
