/** Says what is wrong with a value in the words of Python's jsonschema, which users of OpenStack know. */
import type { ErrorObject } from 'ajv'
import { repr } from '../oslo/python.ts'

/** What jsonschema says of an error that ajv found (which must run with `verbose`). */
export function explained({ keyword, params, data, schema, parentSchema }: ErrorObject): string {
  const value = repr(data)
  const empty = data === '' || (Array.isArray(data) && data.length === 0)
  switch (keyword) {
    case 'type':
      return `${value} is not of type ${[schema].flat().map(repr).join(', ')}`
    case 'required':
      return `'${params.missingProperty}' is a required property`
    case 'additionalProperties':
      if (parentSchema?.patternProperties)
        return `${repr(params.additionalProperty)} does not match any of the regexes: ${Object.keys(parentSchema.patternProperties).sort().map(repr).join(', ')}`
      return `Additional properties are not allowed ('${params.additionalProperty}' was unexpected)`
    case 'enum':
      return `${value} is not one of ${repr(schema)}`
    case 'minLength':
    case 'minItems':
      return empty && params.limit === 1 ? `${value} should be non-empty` : `${value} is too short`
    case 'maxLength':
    case 'maxItems':
      return `${value} is too long`
    case 'pattern':
      return `${value} does not match ${repr(schema)}`
    case 'minProperties':
      return params.limit === 1 ? `${value} should be non-empty` : `${value} does not have enough properties`
    case 'maxProperties':
      return `${value} has too many properties`
    case 'uniqueItems':
      return `${value} has non-unique elements`
    case 'minimum':
      return `${value} is less than the minimum of ${params.limit}`
    case 'maximum':
      return `${value} is greater than the maximum of ${params.limit}`
    case 'format':
      return `${value} is not a '${params.format}'`
    case 'anyOf':
    case 'oneOf':
      return params.passingSchemas
        ? `${value} is valid under each of ${(schema as unknown[]).map(repr).join(', ')}`
        : `${value} is not valid under any of the given schemas`
    default:
      return `${value} is not allowed here`
  }
}
