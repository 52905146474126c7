/** What the two hosts of a live migration tell each other. */
import { boolean, dictOf, integer, ipAddress, listOf, secret, setOf, text, uuid } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue, object, oneOf } from '../../oslo/objects/object.ts'
import { Migration } from './migration.ts'
import { vif } from './network-info.ts'

/** Of one interface. */
export const VIFMigrateData = defineObject('VIFMigrateData', '1.0', {
  port_id: text,
  vnic_type: text,
  vif_type: text,
  vif_details_json: text,
  profile_json: text,
  host: text,
  source_vif: vif,
})
export type VIFMigrateData = ObjectValue<typeof VIFMigrateData>

/** Where the guest is pinned on the destination. */
export const LibvirtLiveMigrateNUMAInfo = defineObject('LibvirtLiveMigrateNUMAInfo', '1.0', {
  cpu_pins: dictOf(setOf(integer)),
  cell_pins: dictOf(setOf(integer)),
  emulator_pins: setOf(integer),
  sched_vcpus: setOf(integer),
  sched_priority: integer,
})
export type LibvirtLiveMigrateNUMAInfo = ObjectValue<typeof LibvirtLiveMigrateNUMAInfo>

/** Of one disk. */
export const LibvirtLiveMigrateBDMInfo = defineObject('LibvirtLiveMigrateBDMInfo', '1.1', {
  serial: text,
  bus: text,
  dev: text,
  type: text,
  format: text.orNull(),
  boot_index: integer.orNull(),
  connection_info_json: text,
  encryption_secret_uuid: uuid.orNull(),
})
export type LibvirtLiveMigrateBDMInfo = ObjectValue<typeof LibvirtLiveMigrateBDMInfo>

/** Of every hypervisor. */
const common = {
  is_volume_backed: boolean,
  migration: object(Migration),
  old_vol_attachment_ids: dictOf(text),
  wait_for_vif_plugged: boolean,
  vifs: listOf(object(VIFMigrateData)),
  pci_dev_map_src_dst: dictOf(text),
}

export const LibvirtLiveMigrateData = defineObject('LibvirtLiveMigrateData', '1.14', {
  filename: text,
  image_type: text,
  block_migration: boolean,
  disk_over_commit: boolean,
  disk_available_mb: integer.orNull(),
  is_shared_instance_path: boolean,
  is_shared_block_storage: boolean,
  instance_relative_path: text,
  graphics_listen_addr_vnc: ipAddress.orNull(),
  graphics_listen_addr_spice: ipAddress.orNull(),
  serial_listen_addr: text.orNull(),
  serial_listen_ports: listOf(integer),
  bdms: listOf(object(LibvirtLiveMigrateBDMInfo)),
  target_connect_addr: text.orNull(),
  supported_perf_events: listOf(text),
  src_supports_native_luks: boolean,
  dst_wants_file_backed_memory: boolean,
  file_backed_memory_discard: boolean,
  src_supports_numa_live_migration: boolean,
  dst_supports_numa_live_migration: boolean,
  dst_numa_info: object(LibvirtLiveMigrateNUMAInfo),
  dst_supports_mdev_live_migration: boolean,
  source_mdev_types: dictOf(text),
  target_mdevs: dictOf(text),
  dst_cpu_shared_set_info: setOf(integer),
  vtpm_secret_uuid: uuid.orNull(),
  vtpm_secret_value: secret.orNull(),
  ...common,
})
export type LibvirtLiveMigrateData = ObjectValue<typeof LibvirtLiveMigrateData>

export const HyperVLiveMigrateData = defineObject('HyperVLiveMigrateData', '1.5', {
  is_shared_instance_path: boolean,
  ...common,
})
export type HyperVLiveMigrateData = ObjectValue<typeof HyperVLiveMigrateData>

export const VMwareLiveMigrateData = defineObject('VMwareLiveMigrateData', '1.1', {
  cluster_name: text,
  datastore_regex: text,
  ...common,
})
export type VMwareLiveMigrateData = ObjectValue<typeof VMwareLiveMigrateData>

/** An argument of the methods of a live migration: as the hypervisor has it. */
export const anyLiveMigrateData = oneOf('LiveMigrateData', { LibvirtLiveMigrateData, HyperVLiveMigrateData, VMwareLiveMigrateData })
export type LiveMigrateData = ObjectValue<typeof anyLiveMigrateData>
