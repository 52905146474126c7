/** SSH keys. */
import { integer, text } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'

export const KeyPair = defineObject('KeyPair', '1.4', {
  id: integer,
  name: text,
  user_id: text.orNull(),
  fingerprint: text.orNull(),
  public_key: text.orNull(),
  type: text,
  ...persistent,
})
export type KeyPair = ObjectValue<typeof KeyPair>

export const KeyPairList = defineList('KeyPairList', '1.3', KeyPair)
export type KeyPairList = ObjectValue<typeof KeyPairList>
