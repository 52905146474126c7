/** The shapes of request bodies (keystone/{identity,resource,assignment,catalog,limit,application_credential}/schema.py) and what is said of a wrong one. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import { str } from '../../oslo/python.ts'
import { explained } from '../jsonschema.ts'
import { expecting, invalid } from './faults.ts'

type Schema = Readonly<Record<string, unknown>>

const object = (properties: Record<string, Schema>, rest: Schema = {}): Schema => ({ type: 'object', properties, ...rest })
const closed = { additionalProperties: false }
const orNull = ({ type, ...rest }: Schema): Schema => ({ type: [type, 'null'].flat(), ...rest })
const string = { type: 'string' }
const boolean = { type: 'boolean' }
const maybeText = orNull(string)
const name = { type: 'string', minLength: 1, maxLength: 255, pattern: '[\\S]+' }
const id = { type: 'string', minLength: 1, maxLength: 64, pattern: '^[a-zA-Z0-9-]+$' }
const uuid = { type: 'string', format: 'uuid' }
const words = ['True', 'TRUE', 'true', 'False', 'FALSE', 'false', '', '1', '0', 'y', 'Y', 'n', 'N', 'on', 'ON', 'off', 'OFF', 'yes', 'no']
/** In the order in which Keystone lists them when it refuses another. */
const looseBoolean = { type: ['boolean', 'string', 'null'], enum: [true, ...words.slice(0, 3), false, ...words.slice(3)] }
const tag = { type: 'string', minLength: 1, maxLength: 255, pattern: '^[^,/]*$' }
const tags = { type: 'array', items: tag, maxItems: 80, uniqueItems: true }
const switches = (...names: string[]) => object(Object.fromEntries(names.map((key) => [key, orNull(boolean)])), closed)
const immutable = switches('immutable')
const description = { type: ['string', 'null'], maxLength: 255 }
const url = { type: 'string', minLength: 0, maxLength: 225, pattern: '^[a-zA-Z0-9+.-]+:.+' }
const region = { type: ['string', 'null'], minLength: 1, maxLength: 255 }
const amount = { type: 'integer', minimum: -1, maximum: 0x7fffffff }
const wrapped = (key: string, inner: Schema) => object({ [key]: inner }, { required: [key], ...closed })
const many = (key: string, item: Schema) => wrapped(key, { type: 'array', items: item, minItems: 1 })
const some = { minProperties: 1 }

const domain = { description, enabled: looseBoolean, name: { ...name, maxLength: 64 }, options: immutable, tags }
const project = { description: maybeText, enabled: looseBoolean, name: { ...name, maxLength: 64 }, options: immutable, tags }
const created = { domain_id: orNull(id), is_domain: looseBoolean, parent_id: orNull(id) }
const rules = { type: ['array', 'null'], items: { type: 'array', items: string, minItems: 1, uniqueItems: true }, uniqueItems: true }
const userOptions = switches(
  'ignore_change_password_upon_first_use',
  'ignore_password_expiry',
  'ignore_lockout_failure_attempts',
  'lock_password',
  'ignore_user_inactivity',
  'multi_factor_auth_enabled',
) as { properties: Record<string, Schema> }
const user = {
  domain_id: id,
  default_project_id: maybeText,
  description: maybeText,
  enabled: looseBoolean,
  name,
  password: maybeText,
  options: object({ ...userOptions.properties, multi_factor_auth_rules: rules }, closed),
}
const group = { description: maybeText, name }
const role = { name, description: maybeText, domain_id: orNull(id), options: immutable }
const service = {
  enabled: boolean,
  type: { type: 'string', minLength: 1, maxLength: 255 },
  name: { type: 'string', minLength: 1, maxLength: 255 },
}
const endpoint = {
  enabled: boolean,
  interface: { type: 'string', enum: ['admin', 'internal', 'public'] },
  region_id: maybeText,
  region: maybeText,
  service_id: string,
  url,
  name: string,
  description: maybeText,
}
const regionBody = { description, id: { ...region, minLength: 0 }, parent_region_id: region }
const registered = { service_id: uuid, region_id: region, resource_name: name, default_limit: amount, description }
const limit = { resource_name: name, region_id: region, service_id: uuid, resource_limit: amount, description }
const credential = {
  id: string,
  secret: maybeText,
  name,
  description: maybeText,
  expires_at: maybeText,
  project_id: string,
  access_rules: { type: 'array' },
  unrestricted: orNull(boolean),
  system: maybeText,
  roles: { type: 'array', items: object({ id, name }, { minProperties: 1, maxProperties: 1, ...closed }) },
}
const named = object({ id: string, name: string })
const inDomain = object({ id: string, name: string, domain: named })
const auth = object(
  {
    identity: object(
      {
        methods: { type: 'array', items: string },
        password: object({ user: object({ id: string, name: string, password: string, domain: named }) }),
        token: object({ id: string }, { required: ['id'] }),
        application_credential: object({
          id: string,
          name: string,
          secret: string,
          user: object({ id: string, name: string, domain: named }),
        }),
      },
      { required: ['methods'] },
    ),
    scope: { type: ['object', 'string'], properties: { project: inDomain, domain: named, system: object({ all: boolean }) } },
  },
  { required: ['identity'] },
)

const schemas = {
  auth,
  query: object({ enabled: looseBoolean, is_domain: looseBoolean }),
  domainCreate: wrapped('domain', object({ ...domain, explicit_domain_id: id }, { required: ['name'] })),
  domainUpdate: wrapped('domain', object(domain, some)),
  projectCreate: wrapped('project', object({ ...project, ...created }, { required: ['name'] })),
  projectUpdate: wrapped('project', object(project)),
  tags: wrapped('tags', tags),
  tag,
  userCreate: wrapped('user', object(user, { required: ['name'] })),
  userUpdate: wrapped('user', object(user, some)),
  password: object({ original_password: string, password: string }, { required: ['original_password', 'password'], ...closed }),
  groupCreate: wrapped('group', object({ ...group, domain_id: id }, { required: ['name'] })),
  groupUpdate: wrapped('group', object(group, some)),
  roleCreate: wrapped('role', object(role, { required: ['name'] })),
  roleUpdate: wrapped('role', object(role, some)),
  serviceCreate: wrapped('service', object(service, { required: ['type'] })),
  serviceUpdate: wrapped('service', object(service, some)),
  endpointCreate: wrapped('endpoint', object(endpoint, { required: ['interface', 'service_id', 'url'] })),
  endpointUpdate: wrapped('endpoint', object(endpoint, some)),
  regionCreate: wrapped('region', object(regionBody)),
  regionUpdate: wrapped('region', object(regionBody, some)),
  credentialCreate: wrapped('application_credential', object(credential, { required: ['name'], ...closed })),
  registeredCreate: many(
    'registered_limits',
    object(registered, { required: ['service_id', 'resource_name', 'default_limit'], ...closed }),
  ),
  registeredUpdate: wrapped('registered_limit', object(registered, closed)),
  limitCreate: many(
    'limits',
    object(
      { ...limit, project_id: orNull(id), domain_id: orNull(id) },
      {
        required: ['service_id', 'resource_name', 'resource_limit'],
        oneOf: [{ required: ['domain_id'] }, { required: ['project_id'] }],
        ...closed,
      },
    ),
  ),
  limitUpdate: wrapped('limit', object({ resource_limit: amount, description }, closed)),
} satisfies Record<string, Schema>

export type Shape = keyof typeof schemas
export type Fields = Record<string, unknown>

const ajv = new Ajv2020({
  strict: false,
  verbose: true,
  validateSchema: false,
  formats: { uuid: /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i },
})
const compiled = new Map<Shape, ValidateFunction>()

function firstError(shape: Shape, value: unknown): ErrorObject | undefined {
  let validate = compiled.get(shape)
  if (!validate) compiled.set(shape, (validate = ajv.compile(schemas[shape])))
  return validate(value) ? undefined : (validate.errors!.find((error) => error.keyword === 'oneOf') ?? validate.errors![0])
}

/** The value under `key` of a body of this shape. 400 in the words of Keystone's body check. */
export function bodyOf(shape: Shape, body: unknown, key: string): Fields {
  return checked(shape, body ?? {})[key] as Fields
}

/** As `bodyOf`, for a list. */
export const bodiesOf = (shape: Shape, body: unknown, key: string): Fields[] => checked(shape, body ?? {})[key] as Fields[]

/** Checks the booleans of a query. */
export const checkQuery = (query: URLSearchParams): void => void checked('query', Object.fromEntries(query))

function checked(shape: Shape, body: unknown): Fields {
  const error = firstError(shape, body)
  if (!error) return body as Fields
  const field = error.instancePath.split('/').at(-1)
  const said = explained(error)
  throw invalid(field ? `Invalid input for field/attribute ${field}. Value: ${str(error.data)}. ${said}` : said)
}

/** Checks a value in the words of Keystone's older check, which Keystone still uses for logins, tags and passwords. */
export function check(shape: Shape, value: unknown): Fields {
  const error = firstError(shape, value)
  if (!error) return value as Fields
  throw invalid(error.instancePath ? `Invalid input for field '${error.instancePath.slice(1)}': ${explained(error)}` : explained(error))
}

/** `auth` of a login. */
export function authOf(body: unknown): Fields {
  const given = (body as Fields | undefined)?.auth
  if (given === undefined || given === null) throw expecting('auth', 'request body')
  return check('auth', given)
}
