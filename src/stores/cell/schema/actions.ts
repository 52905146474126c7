/** What was done to instances, and how it went. */
import { bigint, boolean, choice, datetime, id, integer, type Schema, string, table, text } from '../../../oslo/database/schema.ts'
import { softDeleted } from '../../columns.ts'

export const actionsTables = {
  instance_actions: table(
    {
      ...softDeleted,
      id: id(),
      action: string(255),
      instance_uuid: string(36),
      request_id: string(255),
      user_id: string(255),
      project_id: string(255),
      start_time: datetime(),
      finish_time: datetime(),
      message: string(255),
      deleted: integer().initially(0),
    },
    {
      indexes: {
        instance_actions_instance_uuid_updated_at_idx: ['instance_uuid', 'updated_at'],
        instance_uuid_idx: ['instance_uuid'],
        request_id_idx: ['request_id'],
      },
      foreignKeys: [['instance_uuid', 'instances.uuid', 'fk_instance_actions_instance_uuid']],
    },
  ),
  instance_actions_events: table(
    {
      ...softDeleted,
      id: id(),
      event: string(255),
      action_id: integer(),
      start_time: datetime(),
      finish_time: datetime(),
      result: string(255),
      traceback: text(),
      deleted: integer().initially(0),
      host: string(255),
      details: text(),
    },
    {
      foreignKeys: [['action_id', 'instance_actions.id']],
    },
  ),
  migrations: table(
    {
      ...softDeleted,
      id: id(),
      source_compute: string(255),
      dest_compute: string(255),
      dest_host: string(255),
      status: string(255),
      instance_uuid: string(36),
      old_instance_type_id: integer(),
      new_instance_type_id: integer(),
      source_node: string(255),
      dest_node: string(255),
      deleted: integer().initially(0),
      migration_type: choice('migration_type', ['migration', 'resize', 'live-migration', 'evacuation']),
      hidden: boolean().initially(false),
      memory_total: bigint(),
      memory_processed: bigint(),
      memory_remaining: bigint(),
      disk_total: bigint(),
      disk_processed: bigint(),
      disk_remaining: bigint(),
      uuid: string(36),
      cross_cell_move: boolean().initially(false),
      user_id: string(255),
      project_id: string(255),
      dest_compute_id: bigint(),
    },
    {
      uniqueIndexes: { migrations_uuid: ['uuid'] },
      indexes: {
        migrations_by_host_nodes_and_status_idx: ['deleted', 'source_compute', 'dest_compute', 'source_node', 'dest_node', 'status'],
        migrations_dest_compute_id_deleted_idx: ['dest_compute_id', 'deleted'],
        migrations_instance_uuid_and_status_idx: ['deleted', 'instance_uuid', 'status'],
        migrations_updated_at_idx: ['updated_at'],
      },
      foreignKeys: [['instance_uuid', 'instances.uuid', 'fk_migrations_instance_uuid']],
      mysql: {
        prefixes: { migrations_by_host_nodes_and_status_idx: { source_compute: 100, dest_compute: 100, source_node: 100, dest_node: 100 } },
      },
    },
  ),
  task_log: table(
    {
      ...softDeleted,
      id: id(),
      task_name: string(255).required(),
      state: string(255).required(),
      host: string(255).required(),
      period_beginning: datetime().required(),
      period_ending: datetime().required(),
      message: string(255).required(),
      task_items: integer().initially(0),
      errors: integer().initially(0),
      deleted: integer().initially(0),
    },
    {
      unique: { uniq_task_log0task_name0host0period_beginning0period_ending: ['task_name', 'host', 'period_beginning', 'period_ending'] },
      indexes: {
        ix_task_log_host: ['host'],
        ix_task_log_period_beginning: ['period_beginning'],
        ix_task_log_period_ending: ['period_ending'],
      },
    },
  ),
} satisfies Schema
