/** Hypervisors, and what they can run. */
import { dictOf, float, integer, ipAddress, listOf, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'
import { architecture, hvType, vmMode } from './enums.ts'
import { PciDevicePoolList } from './pci.ts'

/** An architecture, a hypervisor and a mode that go together. */
export const HVSpec = defineObject('HVSpec', '1.2', {
  arch: architecture,
  hv_type: hvType,
  vm_mode: vmMode,
})
export type HVSpec = ObjectValue<typeof HVSpec>

export const ComputeNode = defineObject('ComputeNode', '1.19', {
  id: integer,
  uuid: uuid,
  service_id: integer.orNull(),
  host: text.orNull(),
  vcpus: integer,
  memory_mb: integer,
  local_gb: integer,
  vcpus_used: integer,
  memory_mb_used: integer,
  local_gb_used: integer,
  hypervisor_type: text,
  hypervisor_version: integer,
  hypervisor_hostname: text.orNull(),
  free_ram_mb: integer.orNull(),
  free_disk_gb: integer.orNull(),
  current_workload: integer.orNull(),
  running_vms: integer.orNull(),
  cpu_info: text.orNull(),
  disk_available_least: integer.orNull(),
  metrics: text.orNull(),
  stats: dictOf(text.orNull()).orNull(),
  host_ip: ipAddress.orNull(),
  numa_topology: text.orNull(),
  supported_hv_specs: listOf(object(HVSpec)),
  pci_device_pools: object(PciDevicePoolList).orNull(),
  cpu_allocation_ratio: float,
  ram_allocation_ratio: float,
  disk_allocation_ratio: float,
  mapped: integer,
  ...persistent,
})
export type ComputeNode = ObjectValue<typeof ComputeNode>

export const ComputeNodeList = defineList('ComputeNodeList', '1.17', ComputeNode)
export type ComputeNodeList = ObjectValue<typeof ComputeNodeList>
