/** Shapes that many operations share (nova/api/validation/parameter_types.py has the same names). */
import { printablePattern } from './printable.ts'
import { allOf, json, many, object, oneOf, type Schema, Shape, words } from './shape.ts'

/** All that `bool_from_string` takes, plus the real booleans. */
export const booleans = [
  true,
  'True',
  'TRUE',
  'true',
  '1',
  'ON',
  'On',
  'on',
  'YES',
  'Yes',
  'yes',
  false,
  'False',
  'FALSE',
  'false',
  '0',
  'OFF',
  'Off',
  'off',
  'NO',
  'No',
  'no',
] as const

export const boolean = words(booleans, { type: ['boolean', 'string'] })

export const text = json<string>({ type: 'string' })
export const uuid = json<string>({ type: 'string', format: 'uuid' })
export const nothing = json<null>({ type: 'null' })
export const anything = json<unknown>({})

/** A number from `minimum` up, given as a number or as digits. */
export const positiveInteger = json<number | string>({ type: ['integer', 'string'], pattern: '^[0-9]*$', minimum: 1, minLength: 1 })
export const nonNegativeInteger = json<number | string>({ type: ['integer', 'string'], pattern: '^[0-9]*$', minimum: 0, minLength: 1 })

const sized = { minLength: 1, maxLength: 255 }
const formatted = (format: string): Shape<string> => json<string>({ type: 'string', format, ...sized })

export const name = formatted('name')
export const nameWithSpaces = formatted('name_with_leading_trailing_spaces')
export const azName = formatted('az_name')
export const azNameWithSpaces = formatted('az_name_with_leading_trailing_spaces')

export const description = new Shape<string | null>(() => ({
  type: ['string', 'null'],
  pattern: printablePattern(),
  minLength: 0,
  maxLength: 255,
}))

const keypairNameOf = (pattern: string): Shape<string> => allOf([name, json<string>({ type: 'string', pattern, ...sized })])
export const keypairName = keypairNameOf('^[_\\- a-zA-Z0-9]+$')
export const keypairNameWithDots = keypairNameOf('^[_\\-\\@\\. a-zA-Z0-9]+$')

export const hostname = json<string>({ type: 'string', pattern: '^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$', minLength: 2, maxLength: 63 })
export const fqdn = json<string>({ type: 'string', pattern: '^[a-zA-Z0-9-._]*$', ...sized })

const identifier = { type: 'string', pattern: '^[a-zA-Z0-9-]*$', ...sized } as const satisfies Schema
export const projectId = json<string>(identifier)
export const userId = json<string>(identifier)

export const flavorRef = json<string | number>({ type: ['string', 'integer'], minLength: 1 })
export const imageIdOrEmpty = oneOf([uuid, json<''>({ type: 'string', maxLength: 0 })])
export const adminPassword = text
export const volumeType = json<string | null>({ type: ['string', 'null'], minLength: 0, maxLength: 255 })
export const nameOrNone = oneOf([json<string>({ type: 'string', ...sized }), nothing])

const metadataKey = '^[a-zA-Z0-9-_:. ]{1,255}$'
const metadataOf = <T>(value: Schema): Shape<Record<string, T>> =>
  json({ type: 'object', patternProperties: { [metadataKey]: value }, additionalProperties: false })
export const metadata = metadataOf<string>({ type: 'string', maxLength: 255 })
export const metadataWithNull = metadataOf<string | null>({ type: ['string', 'null'], maxLength: 255 })

export const macAddress = json<string>({ type: 'string', pattern: '^([0-9a-fA-F]{2})(:[0-9a-fA-F]{2}){5}$' })
export const ipAddress = json<string>({ type: 'string', oneOf: [{ format: 'ipv4' }, { format: 'ipv6' }] })
export const ipv4 = json<string>({ type: 'string', format: 'ipv4' })
export const ipv6 = json<string>({ type: 'string', format: 'ipv6' })

export const base64 = json<string>({ type: 'string', format: 'base64' })
export const diskConfig = words(['AUTO', 'MANUAL'])
/** Sizes of disks and volumes in GiB. */
export const volumeSize = json<number | string>({ type: ['integer', 'string'], pattern: '^[0-9]+$', minimum: 1, maximum: 0x7fffffff })
export const tag = json<string>({ type: 'string', pattern: '^[^,/]*$', minLength: 1, maxLength: 60 })
/** Files to put into a server, until 2.56. */
export const personality = json<{ path?: string; contents?: string }[]>({
  type: 'array',
  items: {
    type: 'object',
    properties: { path: { type: 'string' }, contents: { type: 'string', format: 'base64' } },
    additionalProperties: false,
  },
})
export const trustedCerts = json<string[] | null>({
  type: ['array', 'null'],
  minItems: 1,
  maxItems: 50,
  uniqueItems: true,
  items: { type: 'string', minLength: 1 },
})

/** Query parameters whose values were never checked. */
export const anyTexts = many(text)
/** Query parameters that go into a REGEXP. */
export const regexTexts = many(json<string>({ type: 'string', format: 'regex' }))

/** Where a page starts and how long it is. */
export const page = { limit: many(nonNegativeInteger), marker: anyTexts }

/** A query that has no parameters: others were taken until 2.101 and are refused since. */
export const noParameters = object({}, { others: { until: '2.101' } })
/** A query that has no parameters and takes any. */
export const anyParameters = object({}, { others: true })
