/** Tables that moved to Placement; Nova 33 creates them and never looks at them. */
import { float, id, integer, type Schema, string, table } from '../../../oslo/database/schema.ts'
import { timestamps } from '../../columns.ts'

export const placementTables = {
  resource_providers: table(
    {
      ...timestamps,
      id: id(),
      uuid: string(36).required(),
      name: string(200),
      generation: integer(),
      can_host: integer(),
      root_provider_id: integer(),
      parent_provider_id: integer(),
    },
    {
      unique: { uniq_resource_providers0name: ['name'], uniq_resource_providers0uuid: ['uuid'] },
      indexes: {
        resource_providers_name_idx: ['name'],
        resource_providers_parent_provider_id_idx: ['parent_provider_id'],
        resource_providers_root_provider_id_idx: ['root_provider_id'],
        resource_providers_uuid_idx: ['uuid'],
      },
      foreignKeys: [
        ['root_provider_id', 'resource_providers.id'],
        ['parent_provider_id', 'resource_providers.id'],
      ],
      mysql: { charset: 'latin1', columnCharsets: { name: 'CHARACTER SET utf8 COLLATE utf8_bin' } },
    },
  ),
  placement_aggregates: table(
    {
      ...timestamps,
      id: id(),
      uuid: string(36),
    },
    {
      unique: { uniq_placement_aggregates0uuid: ['uuid'] },
      indexes: { ix_placement_aggregates_uuid: ['uuid'] },
      mysql: { charset: 'latin1' },
    },
  ),
  resource_provider_aggregates: table(
    {
      ...timestamps,
      resource_provider_id: integer().required(),
      aggregate_id: integer().required(),
    },
    {
      primaryKey: ['resource_provider_id', 'aggregate_id'],
      indexes: { resource_provider_aggregates_aggregate_id_idx: ['aggregate_id'] },
      mysql: { charset: 'latin1' },
    },
  ),
  traits: table(
    {
      ...timestamps,
      id: id(),
      name: string(255).required(),
    },
    {
      unique: { uniq_traits0name: ['name'] },
      mysql: { charset: 'latin1', columnCharsets: { name: 'CHARACTER SET utf8 COLLATE utf8_bin' } },
    },
  ),
  resource_provider_traits: table(
    {
      ...timestamps,
      trait_id: integer().required(),
      resource_provider_id: integer().required(),
    },
    {
      primaryKey: ['trait_id', 'resource_provider_id'],
      indexes: { resource_provider_traits_resource_provider_trait_idx: ['resource_provider_id', 'trait_id'] },
      foreignKeys: [
        ['resource_provider_id', 'resource_providers.id'],
        ['trait_id', 'traits.id'],
      ],
      mysql: { charset: 'latin1' },
    },
  ),
  resource_classes: table(
    {
      id: id(),
      name: string(255).required(),
      ...timestamps,
    },
    {
      unique: { uniq_resource_classes0name: ['name'] },
      mysql: { charset: 'latin1' },
    },
  ),
  inventories: table(
    {
      ...timestamps,
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
      ...timestamps,
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
  projects: table(
    {
      id: id(),
      external_id: string(255).required(),
      ...timestamps,
    },
    {
      unique: { uniq_projects0external_id: ['external_id'] },
      mysql: { charset: 'latin1' },
    },
  ),
  users: table(
    {
      id: id(),
      external_id: string(255).required(),
      ...timestamps,
    },
    {
      unique: { uniq_users0external_id: ['external_id'] },
      mysql: { charset: 'latin1' },
    },
  ),
  consumers: table(
    {
      ...timestamps,
      id: id(),
      uuid: string(36).required(),
      project_id: integer().required(),
      user_id: integer().required(),
      generation: integer().default(0),
    },
    {
      unique: { uniq_consumers0uuid: ['uuid'] },
      indexes: {
        consumers_project_id_user_id_uuid_idx: ['project_id', 'user_id', 'uuid'],
        consumers_project_id_uuid_idx: ['project_id', 'uuid'],
      },
      mysql: { charset: 'latin1' },
    },
  ),
} satisfies Schema
