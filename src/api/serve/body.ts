/** Bodies of requests: which content types may be sent, and JSON as Nova reads it (nova/api/openstack/wsgi.py Resource). */
import { header, type Request } from '../../app/contract.ts'
import { Fault } from '../../compute/faults.ts'

const supportedTypes = new Set(['application/json', 'application/vnd.openstack.compute+json'])

/** Whether a Content-Type may be sent: none, plain text (what some servers say for none), or JSON, letter by letter (WebOb's Request.content_type). */
export function supportedType(contentType: string | undefined): boolean {
  const type = contentType?.split(';')[0]
  return !type || type === 'text/plain' || supportedTypes.has(type)
}

/** Throws a `Fault` for a content type that is not taken. */
export async function bodyOf(request: Request): Promise<Uint8Array> {
  if (!supportedType(header(request, 'content-type'))) throw new Fault('unsupportedContentType')
  return request.body()
}

/** Undefined for methods that have no body, null for an empty one. Throws `malformedBody`. */
export function parsed(request: Request, bytes: Uint8Array): unknown {
  if (request.method !== 'POST' && request.method !== 'PUT') return undefined
  return bytes.length === 0 ? null : parseJson(bytes)
}

// A byte order mark is no JSON
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws `malformedBody`. */
export function parseJson(bytes: Uint8Array): unknown {
  if (tooDeep(bytes)) throw new Fault('malformedBody')
  try {
    return JSON.parse(utf8.decode(bytes))
  } catch {
    throw new Fault('malformedBody')
  }
}

/** Lists and objects in each other; what walks a value must not run out of stack. Python's limit on recursion. */
const deepest = 1000

function tooDeep(bytes: Uint8Array): boolean {
  if (bytes.length <= deepest) return false
  let depth = 0
  let inText = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (byte === 0x22) inText = !inText
    else if (inText) {
      if (byte === 0x5c) i++
    } else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > deepest) return true
    } else if (byte === 0x5d || byte === 0x7d) depth--
  }
  return false
}
