/** PCI devices: what servers ask for, what hosts have. */
import { boolean, dictOf, integer, listOf, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'
import { pciDeviceStatus, pciDeviceType, pciNumaAffinityPolicy } from './enums.ts'

/** So many devices of one kind. */
export const InstancePCIRequest = defineObject('InstancePCIRequest', '1.4', {
  count: integer,
  spec: listOf(dictOf(text.orNull())),
  alias_name: text.orNull(),
  is_new: boolean.initially(false),
  request_id: uuid.orNull(),
  requester_id: text.orNull(),
  numa_policy: pciNumaAffinityPolicy.orNull(),
})
export type InstancePCIRequest = ObjectValue<typeof InstancePCIRequest>

/** All that one server asks for. */
export const InstancePCIRequests = defineObject('InstancePCIRequests', '1.1', {
  instance_uuid: uuid,
  requests: listOf(object(InstancePCIRequest)),
})
export type InstancePCIRequests = ObjectValue<typeof InstancePCIRequests>

/**
 * The column instance_extra.pci_requests, a list of plain dicts. Null is an empty list.
 * nova/objects/instance_pci_requests.py InstancePCIRequests.obj_from_db
 */
export function pciRequestsFromColumn(instanceUuid: string, json: string | null): InstancePCIRequests {
  const rows = json === null ? [] : (JSON.parse(json) as Record<string, unknown>[])
  const requests = rows.map((row) => {
    const values = {
      ...row,
      is_new: false,
      numa_policy: row.numa_policy === undefined ? 'legacy' : row.numa_policy,
      requester_id: row.requester_id ?? null,
    }
    return InstancePCIRequest.fromWire({ ...emptyRequest, 'nova_object.data': values })
  })
  return { instance_uuid: instanceUuid, requests }
}

/** nova/objects/instance_pci_requests.py InstancePCIRequests.to_json */
export const pciRequestsToColumn = ({ requests = [] }: InstancePCIRequests): string =>
  JSON.stringify(
    requests.map(({ count, spec, alias_name, is_new, numa_policy, request_id, requester_id }) => ({
      count,
      spec,
      alias_name,
      is_new,
      numa_policy,
      request_id,
      requester_id,
    })),
  )

const emptyRequest = InstancePCIRequest.toWire({})

export const PciDevice = defineObject('PciDevice', '1.7', {
  id: integer,
  uuid: uuid,
  compute_node_id: integer.orNull(),
  address: text,
  vendor_id: text,
  product_id: text,
  dev_type: pciDeviceType,
  status: pciDeviceStatus,
  dev_id: text.orNull(),
  label: text.orNull(),
  instance_uuid: text.orNull(),
  request_id: text.orNull(),
  extra_info: dictOf(text).initially({}),
  numa_node: integer.orNull(),
  parent_addr: text.orNull(),
  ...persistent,
})
export type PciDevice = ObjectValue<typeof PciDevice>

export const PciDeviceList = defineList('PciDeviceList', '1.3', PciDevice)
export type PciDeviceList = ObjectValue<typeof PciDeviceList>

/** Devices of a host that are alike. */
export const PciDevicePool = defineObject('PciDevicePool', '1.1', {
  product_id: text,
  vendor_id: text,
  numa_node: integer.orNull(),
  tags: dictOf(text.orNull()),
  count: integer,
})
export type PciDevicePool = ObjectValue<typeof PciDevicePool>

export const PciDevicePoolList = defineList('PciDevicePoolList', '1.1', PciDevicePool)
export type PciDevicePoolList = ObjectValue<typeof PciDevicePoolList>
