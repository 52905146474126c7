/** Servers that no cell has yet. */
import { integer, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { BlockDeviceMappingList } from './block-device-mapping.ts'
import { timestamps } from './common.ts'
import { Instance } from './instance.ts'
import { TagList } from './tag.ts'

/** A server before a cell has it, with all that is needed to build it. */
export const BuildRequest = defineObject('BuildRequest', '1.3', {
  id: integer,
  instance_uuid: uuid,
  project_id: text,
  instance: object(Instance),
  block_device_mappings: object(BlockDeviceMappingList),
  ...timestamps,
  tags: object(TagList),
})
export type BuildRequest = ObjectValue<typeof BuildRequest>

export const BuildRequestList = defineList('BuildRequestList', '1.0', BuildRequest)
export type BuildRequestList = ObjectValue<typeof BuildRequestList>
