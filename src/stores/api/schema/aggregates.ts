/** Host aggregates. */
import { id, integer, type Schema, string, table } from '../../../oslo/database/schema.ts'
import { timestamps } from '../../columns.ts'

export const aggregatesTables = {
  aggregates: table(
    {
      ...timestamps,
      id: id(),
      uuid: string(36),
      name: string(255),
    },
    {
      unique: { uniq_aggregate0name: ['name'] },
      indexes: { aggregate_uuid_idx: ['uuid'] },
    },
  ),
  aggregate_hosts: table(
    {
      ...timestamps,
      id: id(),
      host: string(255),
      aggregate_id: integer().required(),
    },
    {
      unique: { uniq_aggregate_hosts0host0aggregate_id: ['host', 'aggregate_id'] },
      foreignKeys: [['aggregate_id', 'aggregates.id']],
    },
  ),
  aggregate_metadata: table(
    {
      ...timestamps,
      id: id(),
      aggregate_id: integer().required(),
      key: string(255).required(),
      value: string(255).required(),
    },
    {
      unique: { uniq_aggregate_metadata0aggregate_id0key: ['aggregate_id', 'key'] },
      indexes: { aggregate_metadata_key_idx: ['key'] },
      foreignKeys: [['aggregate_id', 'aggregates.id']],
    },
  ),
} satisfies Schema
