/** Address scopes: where addresses must not overlap. neutron/db/address_scope_db.py */
import { type Attributes, common } from './attributes.ts'
import { oneOf, toBoolean, toInteger } from './checks.ts'
import type { AddressScope } from './documents.ts'
import { fault } from './faults.ts'
import { ownedBy, type Resource } from './resource.ts'
import { forgetGrants, grantOf, grantToAll, isShared, shareAction } from './sharing.ts'

interface AddressScopeValues {
  readonly project_id: string
  readonly name: string
  readonly ip_version: 4 | 6
  readonly shared: boolean
}

const listed = { filter: true, sort: true } as const
const { id, name, project_id, tenant_id } = common
const attributes: Attributes<AddressScope> = {
  id,
  name,
  project_id,
  tenant_id,
  ip_version: { post: true, convert: toInteger, check: oneOf([4, 6]), ...listed },
  shared: {
    post: true,
    put: true,
    default: false,
    convert: toBoolean,
    guarded: true,
    show: (scope, { neutron, caller }) => isShared(neutron, 'address_scope', scope.id, caller.projectId),
    ...listed,
  },
}

export const addressScopes: Resource<AddressScope, AddressScopeValues> = {
  name: 'address_scope',
  collection: 'address_scopes',
  path: 'address-scopes',
  attributes,
  table: (store) => store.addressScopes,
  missing: (id) => fault('AddressScopeNotFound', id),
  visible: (scope, operation) =>
    ownedBy(scope, operation) || isShared(operation.neutron, 'address_scope', scope.id, operation.caller.projectId),
  target: (scope, { neutron, caller }) => ({ ...scope, shared: isShared(neutron, 'address_scope', scope.id, caller.projectId) }),
  create({ shared, ...values }, { neutron }) {
    const scope = { ...values, id: neutron.ids.uuid() }
    grantToAll(neutron, grantOf('address_scope', scope, shareAction), shared)
    return neutron.store.addressScopes.put(scope)
  },
  update(scope, { shared, ...values }, { neutron }) {
    if (shared === false && isShared(neutron, 'address_scope', scope.id, null))
      throw fault('AddressScopeUpdateError', scope.id, "Shared address scope can't be unshared")
    if (shared) grantToAll(neutron, grantOf('address_scope', scope, shareAction), true)
    return neutron.store.addressScopes.put({ ...scope, ...values })
  },
  remove(scope, { neutron }) {
    if (neutron.store.subnetPools.by('address_scope_id', scope.id).length > 0) throw fault('AddressScopeInUse', scope.id)
    forgetGrants(neutron, scope.id)
    neutron.store.addressScopes.remove(scope.id)
  },
}
