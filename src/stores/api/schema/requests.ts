/** What was asked for: servers that no cell holds yet, and the request that the scheduler saw. */
import { id, json, mediumJson, type Schema, string, table } from '../../../oslo/database/schema.ts'
import { timestamps } from '../../columns.ts'

export const requestsTables = {
  build_requests: table(
    {
      ...timestamps,
      id: id(),
      project_id: string(255).required(),
      instance_uuid: string(36),
      instance: mediumJson(),
      block_device_mappings: mediumJson(),
      tags: json(),
    },
    {
      unique: { uniq_build_requests0instance_uuid: ['instance_uuid'] },
      indexes: { build_requests_instance_uuid_idx: ['instance_uuid'], build_requests_project_id_idx: ['project_id'] },
    },
  ),
  request_specs: table(
    {
      ...timestamps,
      id: id(),
      instance_uuid: string(36).required(),
      spec: mediumJson().required(),
    },
    {
      unique: { uniq_request_specs0instance_uuid: ['instance_uuid'] },
      indexes: { request_spec_instance_uuid_idx: ['instance_uuid'] },
    },
  ),
} satisfies Schema
