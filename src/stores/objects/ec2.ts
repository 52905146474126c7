/** The ids that a server has for EC2-style metadata. */
import { text } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue } from '../../oslo/objects/object.ts'

export const EC2Ids = defineObject('EC2Ids', '1.0', {
  instance_id: text,
  ami_id: text.orNull(),
  kernel_id: text.orNull(),
  ramdisk_id: text.orNull(),
})
export type EC2Ids = ObjectValue<typeof EC2Ids>
