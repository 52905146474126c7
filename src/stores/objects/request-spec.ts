/** What the scheduler is asked for. */
import { boolean, dictOf, integer, listOf, setOf, text, uuid } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { CellMapping } from './cell-mapping.ts'
import { ComputeNodeList } from './compute-node.ts'
import { Flavor } from './flavor.ts'
import { ImageMeta } from './image-meta.ts'
import { InstanceGroup } from './instance-group.ts'
import { NetworkRequestList } from './network-request.ts'
import { InstanceNUMATopology, NetworkMetadata, NUMATopologyLimits } from './numa.ts'
import { InstancePCIRequests } from './pci.ts'
import { SecurityGroupList } from './security-group.ts'

/** Where a server shall go. */
export const Destination = defineObject('Destination', '1.4', {
  host: text,
  node: text.orNull(),
  cell: object(CellMapping).orNull(),
  aggregates: listOf(text).orNull().initially(null),
  allow_cross_cell_move: boolean.initially(false),
  forbidden_aggregates: setOf(text).orNull().initially(null),
})
export type Destination = ObjectValue<typeof Destination>

/** Hosts that were tried already. */
export const SchedulerRetries = defineObject('SchedulerRetries', '1.1', {
  num_attempts: integer,
  hosts: object(ComputeNodeList),
})
export type SchedulerRetries = ObjectValue<typeof SchedulerRetries>

/** How far the chosen host may be filled. */
export const SchedulerLimits = defineObject('SchedulerLimits', '1.0', {
  numa_topology: object(NUMATopologyLimits).orNull().initially(null),
  vcpu: integer.orNull().initially(null),
  disk_gb: integer.orNull().initially(null),
  memory_mb: integer.orNull().initially(null),
})
export type SchedulerLimits = ObjectValue<typeof SchedulerLimits>

/** Resources that one provider shall give. */
export const RequestGroup = defineObject('RequestGroup', '1.3', {
  use_same_provider: boolean.initially(true),
  resources: dictOf(integer).initially({}),
  required_traits: setOf(text).initially([]),
  forbidden_traits: setOf(text).initially([]),
  aggregates: listOf(listOf(text)).initially([]),
  forbidden_aggregates: setOf(text).initially([]),
  requester_id: text.orNull().initially(null),
  provider_uuids: listOf(uuid).initially([]),
  in_tree: uuid.orNull().initially(null),
})
export type RequestGroup = ObjectValue<typeof RequestGroup>

/** What holds for the whole request to placement. */
export const RequestLevelParams = defineObject('RequestLevelParams', '1.1', {
  root_required: setOf(text).initially([]),
  root_forbidden: setOf(text).initially([]),
  same_subtree: listOf(listOf(text)).initially([]),
})
export type RequestLevelParams = ObjectValue<typeof RequestLevelParams>

export const RequestSpec = defineObject('RequestSpec', '1.15', {
  id: integer,
  image: object(ImageMeta).orNull(),
  numa_topology: object(InstanceNUMATopology).orNull(),
  pci_requests: object(InstancePCIRequests).orNull(),
  project_id: text.orNull(),
  user_id: text.orNull(),
  availability_zone: text.orNull(),
  flavor: object(Flavor),
  num_instances: integer.initially(1),
  ignore_hosts: listOf(text).orNull(),
  force_hosts: listOf(text).orNull(),
  force_nodes: listOf(text).orNull(),
  requested_destination: object(Destination).orNull().initially(null),
  retry: object(SchedulerRetries).orNull(),
  limits: object(SchedulerLimits).orNull(),
  instance_group: object(InstanceGroup).orNull(),
  scheduler_hints: dictOf(listOf(text)).orNull(),
  instance_uuid: uuid,
  security_groups: object(SecurityGroupList),
  network_metadata: object(NetworkMetadata),
  is_bfv: boolean,
  requested_resources: listOf(object(RequestGroup)).orNull().initially(null),
  request_level_params: object(RequestLevelParams),
  requested_networks: object(NetworkRequestList),
})
export type RequestSpec = ObjectValue<typeof RequestSpec>
