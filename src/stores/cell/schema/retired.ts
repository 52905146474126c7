/** Tables that moved elsewhere or lost their feature; Nova 33 creates them and never looks at them. */
import {
  address,
  bigint,
  boolean,
  choice,
  datetime,
  float,
  id,
  integer,
  mediumText,
  type Schema,
  string,
  table,
} from '../../../oslo/database/schema.ts'
import { softDeleted } from '../../columns.ts'

export const retiredTables = {
  aggregates: table(
    {
      ...softDeleted,
      id: id(),
      name: string(255),
      deleted: integer(),
      uuid: string(36),
    },
    {
      indexes: { aggregate_uuid_idx: ['uuid'] },
    },
  ),
  aggregate_hosts: table(
    {
      ...softDeleted,
      id: id(),
      host: string(255),
      aggregate_id: integer().required(),
      deleted: integer(),
    },
    {
      unique: { uniq_aggregate_hosts0host0aggregate_id0deleted: ['host', 'aggregate_id', 'deleted'] },
      foreignKeys: [['aggregate_id', 'aggregates.id']],
    },
  ),
  aggregate_metadata: table(
    {
      ...softDeleted,
      id: id(),
      aggregate_id: integer().required(),
      key: string(255).required(),
      value: string(255).required(),
      deleted: integer(),
    },
    {
      unique: { uniq_aggregate_metadata0aggregate_id0key0deleted: ['aggregate_id', 'key', 'deleted'] },
      indexes: { aggregate_metadata_key_idx: ['key'], aggregate_metadata_value_idx: ['value'] },
      foreignKeys: [['aggregate_id', 'aggregates.id']],
    },
  ),
  instance_groups: table(
    {
      ...softDeleted,
      deleted: integer(),
      id: id(),
      user_id: string(255),
      project_id: string(255),
      uuid: string(36).required(),
      name: string(255),
    },
    {
      unique: { uniq_instance_groups0uuid0deleted: ['uuid', 'deleted'] },
    },
  ),
  instance_group_member: table(
    {
      ...softDeleted,
      deleted: integer(),
      id: id(),
      instance_id: string(255),
      group_id: integer().required(),
    },
    {
      indexes: { instance_group_member_instance_idx: ['instance_id'] },
      foreignKeys: [['group_id', 'instance_groups.id']],
    },
  ),
  instance_group_policy: table(
    {
      ...softDeleted,
      deleted: integer(),
      id: id(),
      policy: string(255),
      group_id: integer().required(),
    },
    {
      indexes: { instance_group_policy_policy_idx: ['policy'] },
      foreignKeys: [['group_id', 'instance_groups.id']],
    },
  ),
  instance_types: table(
    {
      ...softDeleted,
      name: string(255),
      id: id(),
      memory_mb: integer().required(),
      vcpus: integer().required(),
      swap: integer().required(),
      vcpu_weight: integer(),
      flavorid: string(255),
      rxtx_factor: float(),
      root_gb: integer(),
      ephemeral_gb: integer(),
      disabled: boolean(),
      is_public: boolean(),
      deleted: integer(),
    },
    {
      unique: { uniq_instance_types0flavorid0deleted: ['flavorid', 'deleted'], uniq_instance_types0name0deleted: ['name', 'deleted'] },
    },
  ),
  instance_type_extra_specs: table(
    {
      ...softDeleted,
      id: id(),
      instance_type_id: integer().required(),
      key: string(255),
      value: string(255),
      deleted: integer(),
    },
    {
      unique: { uniq_instance_type_extra_specs0instance_type_id0key0deleted: ['instance_type_id', 'key', 'deleted'] },
      indexes: { instance_type_extra_specs_instance_type_id_key_idx: ['instance_type_id', 'key'] },
      foreignKeys: [['instance_type_id', 'instance_types.id']],
      mysql: { collate: 'utf8_bin' },
    },
  ),
  instance_type_projects: table(
    {
      ...softDeleted,
      id: id(),
      instance_type_id: integer().required(),
      project_id: string(255),
      deleted: integer(),
    },
    {
      unique: { uniq_instance_type_projects0instance_type_id0project_id0deleted: ['instance_type_id', 'project_id', 'deleted'] },
      foreignKeys: [['instance_type_id', 'instance_types.id', 'instance_type_projects_ibfk_1']],
      mysql: { indexes: { instance_type_id: ['instance_type_id'] } },
    },
  ),
  key_pairs: table(
    {
      ...softDeleted,
      id: id(),
      name: string(255).required(),
      user_id: string(255),
      fingerprint: string(255),
      public_key: mediumText(),
      deleted: integer(),
      type: choice('keypair_types', ['ssh', 'x509']).default('ssh'),
    },
    {
      unique: { uniq_key_pairs0user_id0name0deleted: ['user_id', 'name', 'deleted'] },
    },
  ),
  resource_providers: table(
    {
      id: id(),
      uuid: string(36).required(),
      name: string(200),
      generation: integer(),
      can_host: integer(),
    },
    {
      unique: { uniq_resource_providers0name: ['name'], uniq_resource_providers0uuid: ['uuid'] },
      indexes: { resource_providers_name_idx: ['name'], resource_providers_uuid_idx: ['uuid'] },
      mysql: { charset: 'latin1', columnCharsets: { name: 'CHARACTER SET utf8' } },
    },
  ),
  resource_provider_aggregates: table(
    {
      resource_provider_id: integer().required(),
      aggregate_id: integer().required(),
    },
    {
      primaryKey: ['resource_provider_id', 'aggregate_id'],
      indexes: { resource_provider_aggregates_aggregate_id_idx: ['aggregate_id'] },
      mysql: { charset: 'latin1' },
    },
  ),
  inventories: table(
    {
      id: id(),
      resource_provider_id: integer().required(),
      resource_class_id: integer().required(),
      total: integer().required(),
      reserved: integer().required(),
      min_unit: integer().required(),
      max_unit: integer().required(),
      step_size: integer().required(),
      allocation_ratio: float().required(),
    },
    {
      unique: { uniq_inventories0resource_provider_resource_class: ['resource_provider_id', 'resource_class_id'] },
      indexes: {
        inventories_resource_class_id_idx: ['resource_class_id'],
        inventories_resource_provider_id_idx: ['resource_provider_id'],
        inventories_resource_provider_resource_class_idx: ['resource_provider_id', 'resource_class_id'],
      },
      mysql: { charset: 'latin1' },
    },
  ),
  allocations: table(
    {
      id: id(),
      resource_provider_id: integer().required(),
      consumer_id: string(36).required(),
      resource_class_id: integer().required(),
      used: integer().required(),
    },
    {
      indexes: {
        allocations_consumer_id_idx: ['consumer_id'],
        allocations_resource_class_id_idx: ['resource_class_id'],
        allocations_resource_provider_class_used_idx: ['resource_provider_id', 'resource_class_id', 'used'],
      },
      mysql: { charset: 'latin1' },
    },
  ),
  agent_builds: table(
    {
      ...softDeleted,
      id: id(),
      hypervisor: string(255),
      os: string(255),
      architecture: string(255),
      version: string(255),
      url: string(255),
      md5hash: string(255),
      deleted: integer(),
    },
    {
      unique: { uniq_agent_builds0hypervisor0os0architecture0deleted: ['hypervisor', 'os', 'architecture', 'deleted'] },
      indexes: { agent_builds_hypervisor_os_arch_idx: ['hypervisor', 'os', 'architecture'] },
    },
  ),
  bw_usage_cache: table(
    {
      ...softDeleted,
      id: id(),
      start_period: datetime().required(),
      last_refreshed: datetime(),
      bw_in: bigint(),
      bw_out: bigint(),
      mac: string(255),
      uuid: string(36),
      last_ctr_in: bigint(),
      last_ctr_out: bigint(),
      deleted: integer(),
    },
    {
      indexes: { bw_usage_cache_uuid_start_period_idx: ['uuid', 'start_period'] },
    },
  ),
  console_pools: table(
    {
      ...softDeleted,
      id: id(),
      address: address(39),
      username: string(255),
      password: string(255),
      console_type: string(255),
      public_hostname: string(255),
      host: string(255),
      compute_host: string(255),
      deleted: integer(),
    },
    {
      unique: { uniq_console_pools0host0console_type0compute_host0deleted: ['host', 'console_type', 'compute_host', 'deleted'] },
    },
  ),
  consoles: table(
    {
      ...softDeleted,
      id: id(),
      instance_name: string(255),
      password: string(255),
      port: integer(),
      pool_id: integer(),
      instance_uuid: string(36),
      deleted: integer(),
    },
    {
      indexes: { consoles_instance_uuid_idx: ['instance_uuid'] },
      foreignKeys: [
        ['pool_id', 'console_pools.id'],
        ['instance_uuid', 'instances.uuid', 'consoles_instance_uuid_fkey'],
      ],
    },
  ),
  cells: table(
    {
      ...softDeleted,
      id: id(),
      api_url: string(255),
      weight_offset: float(),
      weight_scale: float(),
      name: string(255),
      is_parent: boolean(),
      deleted: integer(),
      transport_url: string(255).required(),
    },
    {
      unique: { uniq_cells0name0deleted: ['name', 'deleted'] },
    },
  ),
  snapshots: table(
    {
      ...softDeleted,
      id: string(36).required(),
      volume_id: string(36).required(),
      user_id: string(255),
      project_id: string(255),
      status: string(255),
      progress: string(255),
      volume_size: integer(),
      scheduled_at: datetime(),
      display_name: string(255),
      display_description: string(255),
      deleted: string(36),
    },
    {
      primaryKey: ['id'],
    },
  ),
} satisfies Schema
