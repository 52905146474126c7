/** Tags of servers. */
import { text } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue } from '../../oslo/objects/object.ts'

export const Tag = defineObject('Tag', '1.1', {
  resource_id: text,
  tag: text,
})
export type Tag = ObjectValue<typeof Tag>

export const TagList = defineList('TagList', '1.1', Tag)
export type TagList = ObjectValue<typeof TagList>
