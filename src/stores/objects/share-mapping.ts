/** Manila shares that are attached to servers. */
import { integer, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue } from '../../oslo/objects/object.ts'
import { timestamps } from './common.ts'
import { shareMappingProto, shareMappingStatus } from './enums.ts'

export const ShareMapping = defineObject('ShareMapping', '1.2', {
  id: integer,
  uuid: uuid,
  instance_uuid: uuid,
  share_id: uuid,
  status: shareMappingStatus,
  tag: text,
  export_location: text,
  share_proto: shareMappingProto,
  access_type: text.orNull(),
  access_to: text.orNull(),
  access_key: text.orNull(),
  ...timestamps,
})
export type ShareMapping = ObjectValue<typeof ShareMapping>

export const ShareMappingList = defineList('ShareMappingList', '1.0', ShareMapping)
export type ShareMappingList = ObjectValue<typeof ShareMappingList>
