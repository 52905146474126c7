/** The certificates with which a server's image is verified. */
import { listOf, text } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue } from '../../oslo/objects/object.ts'

export const TrustedCerts = defineObject('TrustedCerts', '1.0', {
  ids: listOf(text),
})
export type TrustedCerts = ObjectValue<typeof TrustedCerts>
