/** Changes to an image as JSON patches, in the form of v2.1 (`op`, `path`) and the older one of v2.0 (`replace: path`). */
import { header, type Request } from '../../app/contract.ts'
import { badRequest, refuse, refuseWithDetail } from './faults.ts'
import { checkImage } from './schemas.ts'

export interface Change {
  readonly op: 'add' | 'remove' | 'replace'
  readonly name: string
  readonly value: unknown
  /** The older form refuses to add what is there. */
  readonly strict: boolean
}

const types = ['application/openstack-images-v2.0-json-patch', 'application/openstack-images-v2.1-json-patch']
const operations = ['add', 'remove', 'replace'] as const

/** Not to be set by clients (glance/api/v2/images.py RequestDeserializer). */
export const readOnly = [
  'created_at',
  'updated_at',
  'status',
  'checksum',
  'size',
  'virtual_size',
  'direct_url',
  'self',
  'file',
  'schema',
  'id',
  'os_hash_algo',
  'os_hash_value',
]
export const isReserved = (name: string): boolean => ['location', 'deleted', 'deleted_at'].includes(name) || name.startsWith('os_glance')

/** The changes that a request asks for. 415 for another media type, 400 for what is no patch, 403 for what nobody may change. */
export function changesOf(request: Request, body: unknown): Change[] {
  const type = (header(request, 'content-type') ?? '').split(';')[0]!.trim()
  if (!types.includes(type))
    throw refuseWithDetail(415, `Image PATCH expects Content-Type one of: ${types.join(', ')}`, [['Accept-Patch', types.join(', ')]])
  if (body === undefined) throw badRequest('Body expected in request.')
  if (!Array.isArray(body)) throw badRequest('Request body must be a JSON array of operation objects.')
  return body.map((raw: unknown) => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw badRequest('Operations must be JSON objects.')
    const given = raw as Record<string, unknown>
    const change = type === types[1] ? newForm(given) : oldForm(given)
    assertAllowed(change)
    return change
  })
}

function newForm(given: Record<string, unknown>): Change {
  const available = operations.join(', ')
  if (given.op === undefined || given.op === null)
    throw badRequest(`Unable to find \`op\` in JSON Schema change. It must be one of the following: ${available}.`)
  const op = operations.find((one) => one === given.op)
  if (!op) throw badRequest(`Invalid operation: \`${String(given.op)}\`. It must be one of the following: ${available}.`)
  if (given.path === undefined) throw badRequest("Unable to find 'path' in JSON Schema change")
  return { op, name: nameOf(given.path, op), value: givenValue(given, op), strict: false }
}

function oldForm(given: Record<string, unknown>): Change {
  const [op, more] = operations.filter((one) => given[one] !== undefined)
  if (more) throw badRequest('Operation objects must contain only one member named "add", "remove", or "replace".')
  if (!op) throw badRequest('Operation objects must contain exactly one member named "add", "remove", or "replace".')
  return { op, name: nameOf(given[op], op), value: givenValue(given, op), strict: true }
}

function givenValue(given: Record<string, unknown>, op: Change['op']): unknown {
  if (op !== 'remove' && given.value === undefined) throw badRequest(`Operation "${op}" requires a member named "value".`)
  return given.value
}

/** The one name in a JSON pointer. */
function nameOf(path: unknown, op: Change['op']): string {
  const pointer = String(path)
  if (!pointer.startsWith('/')) throw badRequest(`Pointer \`${pointer}\` does not start with "/".`)
  if (/\/\s*?\//.test(pointer.slice(1))) throw badRequest(`Pointer \`${pointer}\` contains adjacent "/".`)
  if (pointer.length > 1 && pointer.endsWith('/')) throw badRequest(`Pointer \`${pointer}\` end with "/".`)
  if (/~[^01]/.test(pointer) || pointer.endsWith('~'))
    throw badRequest(`Pointer \`${pointer}\` contains "~" not part of a recognized escape sequence.`)
  const names = pointer
    .replace(/^\/+/, '')
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~').trim())
  if (names[0] === 'locations') {
    if (op === 'replace' && names.length === 1) return 'locations'
    if (op !== 'replace' && names.length === 2) return 'locations'
  } else if (names.length === 1) return names[0]!
  throw badRequest(`Invalid JSON pointer for this resource: '/${names.join('/')}'`)
}

function assertAllowed({ op, name, value }: Change): void {
  if (readOnly.includes(name)) throw refuse(403, `Attribute '${name}' is read-only.`)
  if (isReserved(name)) throw refuse(403, `Attribute '${name}' is reserved.`)
  if (op !== 'remove' && name !== 'locations') checkImage({ [name]: value })
}
