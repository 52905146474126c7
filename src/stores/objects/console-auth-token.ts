/** Who may open which console. */
import { integer, text, uuid } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue } from '../../oslo/objects/object.ts'
import { timestamps } from './common.ts'

export const ConsoleAuthToken = defineObject('ConsoleAuthToken', '1.3', {
  id: integer,
  console_type: text,
  host: text,
  port: integer,
  tls_port: integer.orNull(),
  internal_access_path: text.orNull(),
  instance_uuid: uuid,
  access_url_base: text.orNull(),
  token: text,
  expires: integer,
  ...timestamps,
})
export type ConsoleAuthToken = ObjectValue<typeof ConsoleAuthToken>
