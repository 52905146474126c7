/** Which cells there are, and in which one a host or an instance lives. */
import { boolean, id, integer, type Schema, string, table, text } from '../../../oslo/database/schema.ts'
import { timestamps } from '../../columns.ts'

export const mappingsTables = {
  cell_mappings: table(
    {
      ...timestamps,
      id: id(),
      uuid: string(36).required(),
      name: string(255),
      transport_url: text(),
      database_connection: text(),
      disabled: boolean().initially(false),
    },
    {
      unique: { uniq_cell_mappings0uuid: ['uuid'] },
      indexes: { uuid_idx: ['uuid'] },
    },
  ),
  host_mappings: table(
    {
      ...timestamps,
      id: id(),
      cell_id: integer().required(),
      host: string(255).required(),
    },
    {
      unique: { uniq_host_mappings0host: ['host'] },
      indexes: { host_idx: ['host'] },
      foreignKeys: [['cell_id', 'cell_mappings.id']],
    },
  ),
  instance_mappings: table(
    {
      ...timestamps,
      id: id(),
      instance_uuid: string(36).required(),
      cell_id: integer(),
      project_id: string(255).required(),
      queued_for_delete: boolean(),
      user_id: string(255),
    },
    {
      unique: { uniq_instance_mappings0instance_uuid: ['instance_uuid'] },
      indexes: {
        instance_mappings_user_id_project_id_idx: ['user_id', 'project_id'],
        instance_uuid_idx: ['instance_uuid'],
        project_id_idx: ['project_id'],
      },
      foreignKeys: [['cell_id', 'cell_mappings.id']],
    },
  ),
} satisfies Schema
