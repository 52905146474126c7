/** Address groups: networks that security group rules name together. neutron/db/address_group_db.py */
import { repr } from '../../oslo/python.ts'
import { formatNetwork, parseCidr } from './addresses.ts'
import { type Attributes, common } from './attributes.ts'
import { ipSubnet, isDictionary, listOf, nullToList, text } from './checks.ts'
import type { AddressGroup } from './documents.ts'
import { fault, invalidInput } from './faults.ts'
import { ownedBy, type Resource, render } from './resource.ts'
import { forgetGrants, isShared } from './sharing.ts'
import { changed, newborn, type Operation } from './state.ts'

interface AddressGroupValues {
  readonly project_id: string
  readonly name: string
  readonly description: string
  readonly addresses?: readonly string[]
}

const attributes: Attributes<AddressGroup> = {
  ...common,
  description: { post: true, put: true, default: '', check: text(1024), filter: true, sort: true },
  addresses: { post: true, default: undefined, convert: nullToList, check: listOf(ipSubnet) },
}

export const addressGroups: Resource<AddressGroup, AddressGroupValues> = {
  name: 'address_group',
  collection: 'address_groups',
  path: 'address-groups',
  attributes,
  table: (store) => store.addressGroups,
  missing: (id) => fault('AddressGroupNotFound', id),
  visible: (group, operation) =>
    ownedBy(group, operation) || isShared(operation.neutron, 'address_group', group.id, operation.caller.projectId),
  target: (group, { neutron, caller }) => ({ ...group, shared: isShared(neutron, 'address_group', group.id, caller.projectId) }),
  create: (values, { neutron }) =>
    neutron.store.addressGroups.put({
      ...newborn(neutron, values, 1),
      name: values.name,
      addresses: canonical(values.addresses ?? []),
    }),
  update: (group, values, { neutron }) => neutron.store.addressGroups.put(changed(neutron, group, values)),
  remove(group, { neutron }) {
    if (neutron.store.securityGroupRules.by('remote_address_group_id', group.id).length > 0) throw fault('AddressGroupInUse', group.id)
    forgetGrants(neutron, group.id)
    neutron.store.addressGroups.remove(group.id)
  },
}

const canonical = (addresses: readonly string[]): string[] => addresses.map((address) => formatNetwork(parseCidr(address)!))

/** `add_addresses` and `remove_addresses`. */
export function changeAddresses(group: AddressGroup, body: unknown, operation: Operation, verb: 'add' | 'remove'): unknown {
  const given = isDictionary(body) ? body.addresses : undefined
  const reason = listOf(ipSubnet)(given)
  if (reason) throw invalidInput(reason)
  const named = canonical(given as string[])
  const [here, away] = [named.filter((one) => group.addresses.includes(one)), named.filter((one) => !group.addresses.includes(one))]
  if (verb === 'add' && here.length > 0) throw fault('AddressesAlreadyExist', repr(here), group.id)
  if (verb === 'remove' && away.length > 0) throw fault('AddressesNotFound', repr(away), group.id)
  const addresses = verb === 'add' ? [...group.addresses, ...away] : group.addresses.filter((one) => !here.includes(one))
  const after = operation.neutron.store.addressGroups.put(changed(operation.neutron, group, { addresses }))
  return { address_group: render(addressGroups, after, operation) }
}
