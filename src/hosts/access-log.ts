/** One line for each request, in the forms that log pipelines around OpenStack read: uWSGI's, Apache's combined, JSON, or a format of the operator's. */
import { header, headerJoined } from '../app/contract.ts'
import { decodePath } from '../app/router.ts'
import type { Sink } from '../oslo/log-sink.ts'
import type { Exchange, Watcher } from './exchange.ts'

export type AccessForm = 'uwsgi' | 'combined' | 'json' | 'oslo'
export const accessForms: readonly AccessForm[] = ['uwsgi', 'combined', 'json', 'oslo']

export interface AccessLogSettings {
  /** One of the forms, or a text with `%(name)` places as in uWSGI's `log-format`. */
  readonly form: string
  /** Requests of clients whose User-Agent matches are left out, such as health checks. */
  readonly skipAgents: readonly string[]
  /** Who asks is whom X-Forwarded-For names, as with uWSGI's `log-x-forwarded-for`. */
  readonly forwardedFor: boolean
}

export interface AccessLogParts extends AccessLogSettings {
  readonly sink: Sink
  readonly pid: number
  /** Of the worker, from 1; 0 without workers. */
  readonly worker: number
}

/** Everything that a place in a format may name. */
interface Line extends Exchange {
  readonly pid: number
  readonly worker: number
  /** How many this process has answered. */
  readonly count: number
  readonly forwardedFor: boolean
}

/** Writes a line for each exchange. Throws a `RangeError` for a format with a place that nobody can fill. */
export function accessLog({ form, skipAgents, sink, pid, worker, forwardedFor }: AccessLogParts): Watcher {
  const render = forms[form as AccessForm] ?? compile(form)
  const skip = skipAgents.map((pattern) => new RegExp(pattern))
  let count = 0
  return {
    ended(exchange) {
      count++
      const agent = header(exchange.request, 'user-agent') ?? ''
      if (skip.some((pattern) => pattern.test(agent))) return
      sink.write(`${oneLine(render({ ...exchange, pid, worker, count, forwardedFor }))}\n`)
    },
  }
}

/** What could forge another line, or a terminal's escape, is escaped. */
const oneLine = (text: string): string => text.replace(/[\x00-\x1f\x7f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)

/** With the paths of all mounts, undecoded, as clients wrote it. */
const uriOf = ({ request }: Exchange): string =>
  `${request.scriptName}${request.path}${request.query === '' ? '' : `?${request.query}`}` || '/'

function addressOf({ request, forwardedFor }: Line): string {
  const forwarded = forwardedFor ? (header(request, 'x-forwarded-for') ?? '').split(',', 1)[0]!.trim() : ''
  return forwarded || request.environ.remoteAddress || request.remoteAddress || '-'
}

const micros = ({ ms }: Exchange): number => Math.round(ms * 1000)
const headerBytes = ({ headers }: Exchange): number => headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0)
/** The variables that WSGI would have had. */
const variableCount = ({ request }: Exchange): number => request.rawHeaders.length / 2 + 10
const variableBytes = ({ request }: Exchange): number =>
  request.rawHeaders.reduce((sum, text) => sum + text.length + 4, request.target.length)

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (value: number): string => String(value).padStart(2, '0')
const clock = (at: Date): string => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
/** C's ctime: `Sun Nov  2 06:01:05 2026`. */
const ctime = (at: Date): string =>
  `${days[at.getDay()]} ${months[at.getMonth()]} ${String(at.getDate()).padStart(2, ' ')} ${clock(at)} ${at.getFullYear()}`
function zone(at: Date): string {
  const minutes = -at.getTimezoneOffset()
  return `${minutes < 0 ? '-' : '+'}${two(Math.trunc(Math.abs(minutes) / 60))}${two(Math.abs(minutes) % 60)}`
}
/** `02/Nov/2026:06:01:05 +0000`. */
const commonTime = (at: Date): string => `${two(at.getDate())}/${months[at.getMonth()]}/${at.getFullYear()}:${clock(at)} ${zone(at)}`

const quoted = (text: string): string => text.replace(/["\\]/g, '\\$&')

type Render = (line: Line) => string

const forms: Readonly<Record<AccessForm, Render>> = {
  // core/logging.c of uWSGI; kolla's fluentd reads what stands before the method
  uwsgi: (line) =>
    `[pid: ${line.pid}|app: 0|req: ${line.count}/${line.count}] ${addressOf(line)} () {${variableCount(line)} vars in ${variableBytes(line)} bytes} [${ctime(line.at)}] ${line.request.method} ${uriOf(line)} => generated ${line.bytes} bytes in ${Math.round(line.ms)} msecs (${line.request.protocol} ${line.status}) ${line.headers.length} headers in ${headerBytes(line)} bytes (1 switches on core 0)`,
  // Apache's combined, with %D as the operators of nova-operator have it
  combined: (line) =>
    `${addressOf(line)} - - [${commonTime(line.at)}] "${quoted(`${line.request.method} ${line.request.target} ${line.request.protocol}`)}" ${line.status} ${line.bytes || '-'} "${quoted(header(line.request, 'referer') ?? '-')}" "${quoted(header(line.request, 'user-agent') ?? '-')}" ${micros(line)}us`,
  json: (line) => JSON.stringify(record(line)),
  // nova/api/openstack/requestlog.py RequestLog, for a pipeline without that filter
  oslo: (line) =>
    `${addressOf(line)} "${line.request.method} ${decodePath(uriOf(line))}" status: ${line.status} len: ${line.bytes} microversion: ${line.request.environ.microversion ?? '-'} time: ${(line.ms / 1000).toFixed(6)}`,
}

function record(line: Line): Record<string, unknown> {
  const { request, status, bytes, ms, at } = line
  const { requestId, globalRequestId, microversion, context } = request.environ
  return {
    timestamp: at.toISOString(),
    pid: line.pid,
    worker: line.worker,
    remote_address: addressOf(line),
    method: request.method,
    uri: uriOf(line),
    protocol: request.protocol,
    status,
    bytes,
    seconds: Math.round(ms * 1000) / 1e6,
    ...(microversion !== undefined && { microversion }),
    ...(requestId !== undefined && { request_id: requestId }),
    ...(globalRequestId !== undefined && { global_request_id: globalRequestId }),
    ...(context !== undefined && { project_id: context.projectId, user_id: context.userId }),
    user_agent: header(request, 'user-agent') ?? null,
  }
}

/** uWSGI's `log-format` places. */
const places: Readonly<Record<string, Render>> = {
  uri: uriOf,
  method: ({ request }) => request.method,
  user: () => '',
  addr: addressOf,
  host: ({ request }) => header(request, 'host') ?? '-',
  proto: ({ request }) => request.protocol,
  uagent: ({ request }) => header(request, 'user-agent') ?? '-',
  referer: ({ request }) => header(request, 'referer') ?? '-',
  status: ({ status }) => `${status}`,
  rsize: ({ bytes }) => `${bytes}`,
  hsize: (line) => `${headerBytes(line)}`,
  size: (line) => `${line.bytes + headerBytes(line)}`,
  headers: ({ headers }) => `${headers.length}`,
  cl: ({ request }) => header(request, 'content-length') ?? '0',
  micros: (line) => `${micros(line)}`,
  msecs: ({ ms }) => `${Math.round(ms)}`,
  secs: ({ ms }) => `${Math.round(ms / 1000)}`,
  time: ({ at }) => `${Math.floor(at.getTime() / 1000)}`,
  ctime: ({ at }) => ctime(at),
  ltime: ({ at }) => commonTime(at),
  epoch: ({ at }) => `${Math.floor(at.getTime() / 1000)}`,
  pid: ({ pid }) => `${pid}`,
  wid: ({ worker }) => `${worker}`,
  vars: (line) => `${variableCount(line)}`,
  pktsize: (line) => `${variableBytes(line)}`,
  core: () => '0',
  switches: () => '1',
}

/** Compiles `%(name)` and `%(var.HTTP_X)` places. */
function compile(format: string): Render {
  const parts = format.split(/%\(([^)]+)\)/).map((text, index): string | Render => (index % 2 === 0 ? text : placeOf(text)))
  return (line) => parts.map((part) => (typeof part === 'string' ? part : part(line))).join('')
}

function placeOf(name: string): Render {
  const [, variable] = /^var\.HTTP_([A-Z0-9_]+)$/.exec(name) ?? []
  if (variable) {
    const wanted = variable.toLowerCase().replaceAll('_', '-')
    return secret.test(wanted) ? () => '***' : ({ request }) => headerJoined(request, wanted) ?? '-'
  }
  const place = Object.hasOwn(places, name) ? places[name] : undefined
  if (!place) throw new RangeError(`%(${name}) is no place of a log format; there are ${Object.keys(places).join(', ')} and var.HTTP_…`)
  return place
}

/** Headers that are never logged, whatever a format says. */
const secret = /^(authorization|cookie|x-(auth|subject|service)-token|x-instance-id-signature|x-openstack-nova-api-.*secret)$/
