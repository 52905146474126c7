/** Diagnostics of a running server. */
import { boolean, integer, listOf, macAddress, text } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { hypervisorDriver, instancePowerState } from './enums.ts'

export const CpuDiagnostics = defineObject('CpuDiagnostics', '1.0', {
  id: integer.orNull(),
  time: integer.orNull(),
  utilisation: integer.orNull(),
})
export type CpuDiagnostics = ObjectValue<typeof CpuDiagnostics>

export const NicDiagnostics = defineObject('NicDiagnostics', '1.0', {
  mac_address: macAddress.orNull(),
  rx_octets: integer.orNull(),
  rx_errors: integer.orNull(),
  rx_drop: integer.orNull(),
  rx_packets: integer.orNull(),
  rx_rate: integer.orNull(),
  tx_octets: integer.orNull(),
  tx_errors: integer.orNull(),
  tx_drop: integer.orNull(),
  tx_packets: integer.orNull(),
  tx_rate: integer.orNull(),
})
export type NicDiagnostics = ObjectValue<typeof NicDiagnostics>

export const DiskDiagnostics = defineObject('DiskDiagnostics', '1.0', {
  read_bytes: integer.orNull(),
  read_requests: integer.orNull(),
  write_bytes: integer.orNull(),
  write_requests: integer.orNull(),
  errors_count: integer.orNull(),
})
export type DiskDiagnostics = ObjectValue<typeof DiskDiagnostics>

export const MemoryDiagnostics = defineObject('MemoryDiagnostics', '1.0', {
  maximum: integer.orNull(),
  used: integer.orNull(),
})
export type MemoryDiagnostics = ObjectValue<typeof MemoryDiagnostics>

export const Diagnostics = defineObject('Diagnostics', '1.0', {
  state: instancePowerState,
  driver: hypervisorDriver,
  hypervisor: text.orNull(),
  hypervisor_os: text.orNull(),
  uptime: integer.orNull(),
  config_drive: boolean,
  memory_details: object(MemoryDiagnostics).initially({}),
  cpu_details: listOf(object(CpuDiagnostics)).initially([]),
  nic_details: listOf(object(NicDiagnostics)).initially([]),
  disk_details: listOf(object(DiskDiagnostics)).initially([]),
  num_cpus: integer,
  num_nics: integer,
  num_disks: integer,
})
export type Diagnostics = ObjectValue<typeof Diagnostics>
