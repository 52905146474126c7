/** NUMA: what a host has, what a guest is given, and what the scheduler may take. */
import { boolean, dictOf, float, integer, listOf, setOf, text, uuid } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { VirtCPUTopology } from './cpu.ts'
import { cpuAllocationPolicy, cpuEmulatorThreadsPolicy, cpuThreadAllocationPolicy } from './enums.ts'

/** Which physical networks are meant, and whether tunnelled ones are. */
export const NetworkMetadata = defineObject('NetworkMetadata', '1.0', {
  physnets: setOf(text),
  tunneled: boolean,
})
export type NetworkMetadata = ObjectValue<typeof NetworkMetadata>

/** One NUMA node of a guest, and the host's processors it is pinned to. */
export const InstanceNUMACell = defineObject('InstanceNUMACell', '1.6', {
  id: integer,
  cpuset: setOf(integer),
  pcpuset: setOf(integer),
  cpuset_reserved: setOf(integer).orNull().initially(null),
  memory: integer,
  pagesize: integer.orNull().initially(null),
  cpu_topology: object(VirtCPUTopology).orNull(),
  cpu_pinning_raw: dictOf(integer).orNull().initially(null),
  cpu_policy: cpuAllocationPolicy.orNull().initially(null),
  cpu_thread_policy: cpuThreadAllocationPolicy.orNull().initially(null),
})
export type InstanceNUMACell = ObjectValue<typeof InstanceNUMACell>

export const InstanceNUMATopology = defineObject('InstanceNUMATopology', '1.3', {
  id: integer,
  instance_uuid: uuid,
  cells: listOf(object(InstanceNUMACell)),
  emulator_threads_policy: cpuEmulatorThreadsPolicy.orNull(),
})
export type InstanceNUMATopology = ObjectValue<typeof InstanceNUMATopology>

/** Memory pages of one size. */
export const NUMAPagesTopology = defineObject('NUMAPagesTopology', '1.1', {
  size_kb: integer,
  total: integer,
  used: integer.initially(0),
  reserved: integer.initially(0),
})
export type NUMAPagesTopology = ObjectValue<typeof NUMAPagesTopology>

/** One NUMA node of a host. */
export const NUMACell = defineObject('NUMACell', '1.5', {
  id: integer,
  cpuset: setOf(integer),
  pcpuset: setOf(integer),
  memory: integer,
  cpu_usage: integer.initially(0),
  memory_usage: integer.initially(0),
  pinned_cpus: setOf(integer),
  siblings: listOf(setOf(integer)),
  mempages: listOf(object(NUMAPagesTopology)),
  network_metadata: object(NetworkMetadata),
  socket: integer.orNull(),
})
export type NUMACell = ObjectValue<typeof NUMACell>

/** Of a host; compute_nodes.numa_topology holds it as text. */
export const NUMATopology = defineObject('NUMATopology', '1.2', {
  cells: listOf(object(NUMACell)),
})
export type NUMATopology = ObjectValue<typeof NUMATopology>

/** How far NUMA nodes may be overcommitted. */
export const NUMATopologyLimits = defineObject('NUMATopologyLimits', '1.1', {
  cpu_allocation_ratio: float,
  ram_allocation_ratio: float,
  network_metadata: object(NetworkMetadata),
})
export type NUMATopologyLimits = ObjectValue<typeof NUMATopologyLimits>
