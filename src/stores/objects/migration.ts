/** Moves of servers between hosts. */
import { boolean, integer, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'
import { migrationType } from './enums.ts'
import { InstanceNUMATopology } from './numa.ts'
import { InstancePCIRequests, PciDeviceList } from './pci.ts'
import { ResourceList } from './resource.ts'

/** A move: live, cold, a resize or an evacuation. */
export const Migration = defineObject('Migration', '1.8', {
  id: integer,
  uuid: uuid,
  source_compute: text.orNull(),
  dest_compute: text.orNull(),
  source_node: text.orNull(),
  dest_node: text.orNull(),
  dest_compute_id: integer.orNull(),
  dest_host: text.orNull(),
  old_instance_type_id: integer.orNull(),
  new_instance_type_id: integer.orNull(),
  instance_uuid: text.orNull(),
  status: text.orNull(),
  migration_type: migrationType,
  hidden: boolean.initially(false),
  memory_total: integer.orNull(),
  memory_processed: integer.orNull(),
  memory_remaining: integer.orNull(),
  disk_total: integer.orNull(),
  disk_processed: integer.orNull(),
  disk_remaining: integer.orNull(),
  cross_cell_move: boolean.initially(false),
  user_id: text.orNull(),
  project_id: text.orNull(),
  ...persistent,
})
export type Migration = ObjectValue<typeof Migration>

export const MigrationList = defineList('MigrationList', '1.5', Migration)
export type MigrationList = ObjectValue<typeof MigrationList>

/** What a server has on both hosts while it moves. */
export const MigrationContext = defineObject('MigrationContext', '1.2', {
  instance_uuid: uuid,
  migration_id: integer,
  new_numa_topology: object(InstanceNUMATopology).orNull(),
  old_numa_topology: object(InstanceNUMATopology).orNull(),
  new_pci_devices: object(PciDeviceList).orNull(),
  old_pci_devices: object(PciDeviceList).orNull(),
  new_pci_requests: object(InstancePCIRequests).orNull(),
  old_pci_requests: object(InstancePCIRequests).orNull(),
  new_resources: object(ResourceList).orNull(),
  old_resources: object(ResourceList).orNull(),
  ...persistent,
})
export type MigrationContext = ObjectValue<typeof MigrationContext>
