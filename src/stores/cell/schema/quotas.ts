/** Quota limits, from before they moved to the API database. */
import { datetime, id, integer, type Schema, string, table } from '../../../oslo/database/schema.ts'
import { softDeleted } from '../../columns.ts'

export const quotasTables = {
  quotas: table(
    {
      id: id(),
      ...softDeleted,
      project_id: string(255),
      resource: string(255).required(),
      hard_limit: integer(),
      deleted: integer().initially(0),
    },
    {
      unique: { uniq_quotas0project_id0resource0deleted: ['project_id', 'resource', 'deleted'] },
    },
  ),
  quota_classes: table(
    {
      ...softDeleted,
      id: id(),
      class_name: string(255),
      resource: string(255),
      hard_limit: integer(),
      deleted: integer().initially(0),
    },
    {
      indexes: { ix_quota_classes_class_name: ['class_name'] },
    },
  ),
  project_user_quotas: table(
    {
      id: id(),
      ...softDeleted,
      deleted: integer().initially(0),
      user_id: string(255).required(),
      project_id: string(255).required(),
      resource: string(255).required(),
      hard_limit: integer(),
    },
    {
      unique: { uniq_project_user_quotas0user_id0project_id0resource0deleted: ['user_id', 'project_id', 'resource', 'deleted'] },
      indexes: {
        project_user_quotas_project_id_deleted_idx: ['project_id', 'deleted'],
        project_user_quotas_user_id_deleted_idx: ['user_id', 'deleted'],
      },
    },
  ),
  quota_usages: table(
    {
      ...softDeleted,
      id: id(),
      project_id: string(255),
      resource: string(255).required(),
      in_use: integer().required(),
      reserved: integer().required(),
      until_refresh: integer(),
      deleted: integer().initially(0),
      user_id: string(255),
    },
    {
      indexes: { ix_quota_usages_project_id: ['project_id'], ix_quota_usages_user_id_deleted: ['user_id', 'deleted'] },
    },
  ),
  reservations: table(
    {
      ...softDeleted,
      id: id(),
      uuid: string(36).required(),
      usage_id: integer().required(),
      project_id: string(255),
      resource: string(255),
      delta: integer().required(),
      expire: datetime(),
      deleted: integer().initially(0),
      user_id: string(255),
    },
    {
      indexes: {
        ix_reservations_project_id: ['project_id'],
        ix_reservations_user_id_deleted: ['user_id', 'deleted'],
        reservations_deleted_expire_idx: ['deleted', 'expire'],
        reservations_uuid_idx: ['uuid'],
      },
      foreignKeys: [['usage_id', 'quota_usages.id', 'reservations_ibfk_1']],
      mysql: { indexes: { usage_id: ['usage_id'] } },
    },
  ),
} satisfies Schema
