/** A request as the uwsgi protocol tells it, in the words of the contract. */
import type { Environ, Request, RequestHeaders } from '../app/contract.ts'
import { decodePath } from '../app/router.ts'
import { splitTarget } from './node.ts'
import type { Variables } from './uwsgi-packet.ts'

export interface UwsgiBody {
  whole(limit: number): Promise<Uint8Array>
  chunks(): AsyncIterable<Uint8Array>
}

export interface UwsgiParts {
  readonly variables: Variables
  readonly body: UwsgiBody
  readonly signal: () => AbortSignal
  /** Most bytes of a body that are taken into memory. */
  readonly limit: number
}

export function uwsgiRequest({ variables, body, signal, limit }: UwsgiParts): Request {
  const environ: Environ = {}
  const raw = rawHeadersOf(variables)
  const place = placeOf(variables)
  let whole: Promise<Uint8Array> | undefined
  return {
    method: variables.REQUEST_METHOD ?? 'GET',
    ...place,
    scheme: isSecure(variables) ? 'https' : 'http',
    protocol: variables.SERVER_PROTOCOL ?? 'HTTP/1.0',
    remoteAddress: variables.REMOTE_ADDR ?? '',
    headers: headersOf(raw),
    rawHeaders: raw,
    environ,
    body: () => (whole ??= body.whole(Math.min(environ.maxBodyBytes ?? limit, limit))),
    chunks: () => body.chunks(),
    get signal() {
      return signal()
    },
  }
}

/** Which of the two a front server says depends on the server: HTTPS=on (Apache, nginx), REQUEST_SCHEME (both), UWSGI_SCHEME (nginx by hand). */
const isSecure = ({ HTTPS, REQUEST_SCHEME, UWSGI_SCHEME }: Variables): boolean =>
  /^(on|1|true)$/i.test(HTTPS ?? '') || (UWSGI_SCHEME ?? REQUEST_SCHEME) === 'https'

/**
 * The path undecoded, from REQUEST_URI as far as that agrees with SCRIPT_NAME and PATH_INFO, which a front server may have rewritten:
 * those two count, since they are what WSGI applications go by.
 */
function placeOf(variables: Variables): Pick<Request, 'target' | 'scriptName' | 'path' | 'query'> {
  const scriptName = (variables.SCRIPT_NAME ?? '').replace(/\/$/, '')
  const { path: whole, query } = splitTarget(variables.REQUEST_URI ?? '/')
  const encoded = encodePath(scriptName)
  const path = whole.startsWith(encoded) ? whole.slice(encoded.length) : whole
  let told = variables.PATH_INFO
  // nginx, given a SCRIPT_NAME, leaves it in PATH_INFO
  const left = told !== undefined && scriptName !== '' && (told === scriptName || told.startsWith(`${scriptName}/`))
  if (left && !sameText(path, told!)) told = told!.slice(scriptName.length)
  const agrees = told === undefined || sameText(path, told)
  const inside = agrees ? path : encodePath(told!)
  const asked = variables.QUERY_STRING ?? query
  return {
    scriptName: encoded,
    path: inside === '' && scriptName !== '' ? '' : inside.startsWith('/') ? inside : `/${inside}`,
    query: asked,
    target: variables.REQUEST_URI ?? `${encoded}${inside}${asked === '' ? '' : `?${asked}`}`,
  }
}

/** A decoded path in Latin-1, as WSGI has it, against an undecoded one. */
const sameText = (undecoded: string, told: string): boolean => {
  const bytes = Buffer.from(told, 'latin1').toString()
  return decodePath(undecoded) === bytes || undecoded === told
}

/** Bytes that a path may not hold become `%XX`. */
function encodePath(latin1: string): string {
  return latin1.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

/** `HTTP_X_AUTH_TOKEN` → `X-Auth-Token`. The case in which a client wrote it is lost in this protocol. */
function rawHeadersOf(variables: Variables): string[] {
  const raw: string[] = []
  for (const [name, value] of Object.entries(variables)) {
    if (name.startsWith('HTTP_')) raw.push(headerName(name.slice(5)), value)
    else if ((name === 'CONTENT_TYPE' || name === 'CONTENT_LENGTH') && value !== '') raw.push(headerName(name), value)
  }
  return raw
}

const names = new Map<string, string>()
function headerName(variable: string): string {
  let name = names.get(variable)
  if (name === undefined) {
    name = variable.toLowerCase().replaceAll('_', '-')
    name = name.replace(/(^|-)[a-z]/g, (c) => c.toUpperCase())
    // bounded: names come from clients
    if (names.size < 512) names.set(variable, name)
  }
  return name
}

function headersOf(raw: readonly string[]): RequestHeaders {
  const headers: Record<string, string> = {}
  for (let i = 0; i < raw.length; i += 2) headers[raw[i]!.toLowerCase()] ??= raw[i + 1]!
  return headers
}
