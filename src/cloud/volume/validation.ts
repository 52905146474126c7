/** Checks bodies as Cinder does (cinder/api/validation), and says what is wrong in its words. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { repr, str } from '../../oslo/python.ts'
import { explained } from '../jsonschema.ts'
import { isUuidLike } from '../uuid.ts'
import { badRequest } from './faults.ts'

export type Schema = Readonly<Record<string, unknown>>
/** What is wrong with a value; nothing when it fits. */
export type Validate = (value: unknown) => readonly ErrorObject[]

const ajv = new Ajv({ strict: false, verbose: true, allErrors: true })
ajv.addFormat('uuid', (text: string) => isUuidLike(text))

/** Formats that speak for themselves: each gives what is wrong, or nothing. */
const speaking = {
  name: (text: string) => (text.trim() === '' ? "The 'name' can not be empty." : undefined),
  shortName: (text: string) => tooLong('name', text),
  shortDescription: (text: string) => tooLong('description', text),
  volumeStatus: oneOf('Volume status', [
    'creating',
    'available',
    'deleting',
    'error',
    'error_deleting',
    'error_managing',
    'managing',
    'attaching',
    'in-use',
    'detaching',
    'maintenance',
    'restoring-backup',
    'error_restoring',
    'reserved',
    'awaiting-transfer',
    'backing-up',
    'error_backing-up',
    'error_extending',
    'downloading',
    'uploading',
    'retyping',
    'extending',
  ]),
  attachStatus: oneOf('Volume attach status', ['attached', 'detached'], '[]'),
  migrationStatus: oneOf('Volume migration status', ['migrating', 'error', 'success', 'completing', 'none', 'starting']),
  snapshotStatus: oneOf('Snapshot status', [
    'error',
    'available',
    'creating',
    'deleting',
    'deleted',
    'updating',
    'error_deleting',
    'unmanaging',
    'backing-up',
    'restoring',
  ]),
  progress: (text: string) => {
    if (!/^-?\d+$/.test(text.slice(0, -1))) return 'Invalid input received: progress must be an integer percentage'
    const ok = Number(text.slice(0, -1)) >= 0 && Number(text.slice(0, -1)) <= 100 && text.endsWith('%')
    return ok ? undefined : 'Invalid input received: progress must be an integer percentage between 0 and 100'
  },
} satisfies Record<string, (text: string) => string | undefined>
for (const [name, check] of Object.entries(speaking)) ajv.addFormat(name, (text: string) => text === '' || check(text) === undefined)

const tooLong = (what: string, text: string): string | undefined =>
  text.trim().length > 255 ? `Invalid input received: ${what} has ${text.trim().length} characters, more than 255.` : undefined

/** Python shows a tuple in parentheses, a list in brackets. */
function oneOf(what: string, valid: readonly string[], brackets: '()' | '[]' = '()') {
  const listed = `${brackets[0]}${valid.map(repr).join(', ')}${brackets[1]}`
  return (text: string) => (valid.includes(text.toLowerCase()) ? undefined : `${what}: ${text} is invalid, valid statuses are: ${listed}.`)
}

/** Compiled when it is first asked for: all of them would hold up the start. */
export function compile(schema: Schema): Validate {
  let validate: ValidateFunction | undefined
  return (value) => {
    validate ??= ajv.compile(schema)
    return validate(value) ? [] : validate.errors!
  }
}

/** 400 with the reason when the body has not this shape. */
export function checked<T>(validate: Validate, body: unknown): T {
  if (body === undefined) throw badRequest('Malformed request body')
  const errors = validate(body)
  if (errors.length > 0) throw refusal(first(errors))
  return body as T
}

/** Python's jsonschema goes down before it looks at what an object lacks or has too much, and looks at alternatives last. */
function first(errors: readonly ErrorObject[]): ErrorObject {
  const own = errors.filter(({ schemaPath }) => !/\/(anyOf|oneOf)\/\d/.test(schemaPath))
  const depth = ({ instancePath, keyword }: ErrorObject) => instancePath.split('/').length * 2 - Number(keyword === 'anyOf')
  return own.reduce((best, each) => (depth(each) > depth(best) ? each : best))
}

function refusal(error: ErrorObject) {
  const own = error.keyword === 'format' ? speaking[error.schema as keyof typeof speaking]?.(error.data as string) : undefined
  const field = error.instancePath.split('/').at(-1)
  if (own) return badRequest(error.schema === 'name' ? `An invalid 'name' value was provided. ${own}` : own)
  return badRequest(field ? inField(field, error.data, explained(error)) : explained(error))
}

const inField = (field: string, value: unknown, reason: string): string =>
  `Invalid input for field/attribute ${field.replaceAll('~1', '/').replaceAll('~0', '~')}. Value: ${str(value)}. ${reason}`

/** An object of exactly these properties. */
export const object = (properties: Schema, required: readonly string[] = [], more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
  ...more,
})
/** A body whose only key is this one. */
export const within = (key: string, value: Schema): Schema => object({ [key]: value }, [key])

/** A whole number in text or as such; 400. */
export function integer(value: unknown, name: string, minimum: number, maximum = 0x7fffffff): number {
  const number = typeof value === 'number' || (typeof value === 'string' && /^\s*[+-]?\d+\s*$/.test(value)) ? Number(value) : Number.NaN
  if (!Number.isInteger(number)) throw badRequest(`${name} must be an integer`)
  if (number < minimum) throw badRequest(`${name} must be >= ${minimum}`)
  if (number > maximum) throw badRequest(`${name} must be <= ${maximum}`)
  return number
}
