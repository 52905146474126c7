/** Integer ids of the EC2 API, from which the metadata service makes its `i-` and `ami-` names, and the certificates it once had. */
import { id, integer, type Schema, string, table } from '../../../oslo/database/schema.ts'
import { softDeleted } from '../../columns.ts'

export const ec2Tables = {
  instance_id_mappings: table(
    {
      ...softDeleted,
      id: id(),
      uuid: string(36).required(),
      deleted: integer().initially(0),
    },
    {
      indexes: { ix_instance_id_mappings_uuid: ['uuid'] },
    },
  ),
  s3_images: table({
    ...softDeleted,
    id: id(),
    uuid: string(36).required(),
    deleted: integer().initially(0),
  }),
  certificates: table(
    {
      ...softDeleted,
      id: id(),
      user_id: string(255),
      project_id: string(255),
      file_name: string(255),
      deleted: integer().initially(0),
    },
    {
      indexes: { certificates_project_id_deleted_idx: ['project_id', 'deleted'], certificates_user_id_deleted_idx: ['user_id', 'deleted'] },
    },
  ),
  snapshot_id_mappings: table({
    ...softDeleted,
    id: id(),
    uuid: string(36).required(),
    deleted: integer(),
  }),
  volume_id_mappings: table({
    ...softDeleted,
    id: id(),
    uuid: string(36).required(),
    deleted: integer(),
  }),
} satisfies Schema
