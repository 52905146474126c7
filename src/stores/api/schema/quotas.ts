/** Quota limits. Usages and reservations are no longer written since Nova counts. */
import { datetime, id, integer, type Schema, string, table } from '../../../oslo/database/schema.ts'
import { timestamps } from '../../columns.ts'

export const quotasTables = {
  quotas: table(
    {
      id: id(),
      ...timestamps,
      project_id: string(255),
      resource: string(255).required(),
      hard_limit: integer(),
    },
    {
      unique: { uniq_quotas0project_id0resource: ['project_id', 'resource'] },
    },
  ),
  quota_classes: table(
    {
      ...timestamps,
      id: id(),
      class_name: string(255),
      resource: string(255),
      hard_limit: integer(),
    },
    {
      indexes: { quota_classes_class_name_idx: ['class_name'] },
    },
  ),
  project_user_quotas: table(
    {
      id: id(),
      ...timestamps,
      user_id: string(255).required(),
      project_id: string(255).required(),
      resource: string(255).required(),
      hard_limit: integer(),
    },
    {
      unique: { uniq_project_user_quotas0user_id0project_id0resource: ['user_id', 'project_id', 'resource'] },
      indexes: { project_user_quotas_project_id_idx: ['project_id'], project_user_quotas_user_id_idx: ['user_id'] },
    },
  ),
  quota_usages: table(
    {
      ...timestamps,
      id: id(),
      project_id: string(255),
      resource: string(255).required(),
      in_use: integer().required(),
      reserved: integer().required(),
      until_refresh: integer(),
      user_id: string(255),
    },
    {
      indexes: { quota_usages_project_id_idx: ['project_id'], quota_usages_user_id_idx: ['user_id'] },
    },
  ),
  reservations: table(
    {
      ...timestamps,
      id: id(),
      uuid: string(36).required(),
      usage_id: integer().required(),
      project_id: string(255),
      resource: string(255),
      delta: integer().required(),
      expire: datetime(),
      user_id: string(255),
    },
    {
      indexes: {
        reservations_expire_idx: ['expire'],
        reservations_project_id_idx: ['project_id'],
        reservations_user_id_idx: ['user_id'],
        reservations_uuid_idx: ['uuid'],
      },
      foreignKeys: [['usage_id', 'quota_usages.id']],
    },
  ),
} satisfies Schema
