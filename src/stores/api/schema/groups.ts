/** Server groups. */
import { id, integer, json, type Schema, string, table } from '../../../oslo/database/schema.ts'
import { timestamps } from '../../columns.ts'

export const groupsTables = {
  instance_groups: table(
    {
      ...timestamps,
      id: id(),
      user_id: string(255),
      project_id: string(255),
      uuid: string(36).required(),
      name: string(255),
    },
    {
      unique: { uniq_instance_groups0uuid: ['uuid'] },
    },
  ),
  instance_group_member: table(
    {
      ...timestamps,
      id: id(),
      instance_uuid: string(255),
      group_id: integer().required(),
    },
    {
      indexes: { instance_group_member_instance_idx: ['instance_uuid'] },
      foreignKeys: [['group_id', 'instance_groups.id']],
    },
  ),
  instance_group_policy: table(
    {
      ...timestamps,
      id: id(),
      policy: string(255),
      group_id: integer().required(),
      rules: json(),
    },
    {
      indexes: { instance_group_policy_policy_idx: ['policy'] },
      foreignKeys: [['group_id', 'instance_groups.id']],
    },
  ),
} satisfies Schema
