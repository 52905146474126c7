/** Who else may use a resource: RBAC policies, of which `shared` is the one for all. neutron/db/rbac_db_mixin.py */
import type { RbacPolicy } from './documents.ts'
import type { Neutron } from './state.ts'

export const shareAction = 'access_as_shared'
export const externalAction = 'access_as_external'

/** Whether an RBAC policy grants the action to a project; null asks for the policies for all only. */
export const isGranted = (neutron: Neutron, objectId: string, action: string, projectId: string | null): boolean =>
  neutron.store.rbacPolicies
    .by('object_id', objectId)
    .some((policy) => policy.action === action && (policy.target_tenant === '*' || policy.target_tenant === projectId))

/** Whether a resource is shared with a project, or with all. */
export const isShared = (neutron: Neutron, type: string, objectId: string, projectId: string | null): boolean =>
  neutron.store.rbacPolicies
    .by('object_id', objectId)
    .some(
      (policy) =>
        policy.object_type === type &&
        policy.action === shareAction &&
        (policy.target_tenant === '*' || policy.target_tenant === projectId),
    )

type Grant = Pick<RbacPolicy, 'project_id' | 'object_type' | 'object_id' | 'action'>

/** Makes or removes the policy for all. */
export function grantToAll(neutron: Neutron, grant: Grant, wanted: boolean): void {
  const policies = neutron.store.rbacPolicies
  const found = policies
    .by('object_id', grant.object_id)
    .find(({ action, target_tenant }) => action === grant.action && target_tenant === '*')
  if (found && !wanted) policies.remove(found.id)
  if (!found && wanted) policies.put({ id: neutron.ids.uuid(), ...grant, target_tenant: '*' })
}

/** Of an action on a thing, by its owner. */
export const grantOf = (object_type: string, { id, project_id }: { id: string; project_id: string }, action: string): Grant => ({
  project_id,
  object_type,
  object_id: id,
  action,
})

/** Removes the policies of something that is gone. */
export function forgetGrants(neutron: Neutron, objectId: string): void {
  for (const policy of neutron.store.rbacPolicies.by('object_id', objectId)) neutron.store.rbacPolicies.remove(policy.id)
}
