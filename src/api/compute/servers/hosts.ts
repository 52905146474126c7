/** Names of hosts in bodies (nova/api/validation/parameter_types.py). */
import { json } from '../../spec/shape.ts'

const form = { pattern: '^[a-zA-Z0-9-._]*$', minLength: 1, maxLength: 255 }
export const host = json<string>({ type: 'string', ...form })
/** Null: any. */
export const hostOrNull = json<string | null>({ type: ['string', 'null'], ...form })
