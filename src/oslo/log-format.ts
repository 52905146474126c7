/** The text of a log line: Python's `%(name)s` formats compiled once, with the fields that oslo.log fills. */
import { hostname } from 'node:os'
import type { RequestContext } from './context.ts'
import type { LogSettings } from './log-options.ts'
import { maskPassword } from './mask-password.ts'

export type Level = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR'

/** The caller and the request a line belongs to; before the caller is known it is the request id alone. */
export type LogContext = Pick<RequestContext, 'requestId'> & Partial<RequestContext>

export interface Details {
  context?: LogContext | undefined
  /** Its stack, with those of its causes, follows the line. */
  error?: unknown
  /** The uuid of the server that the line is about. */
  instance?: string | undefined
}

export interface Entry extends Details {
  readonly time: Date
  readonly level: Level
  readonly name: string
  readonly message: string
}

type Render<T> = (value: T) => string

/** Builds the function that renders an entry, one or more lines with a newline at the end and no secrets. */
export function lineFormat(settings: LogSettings, pid: number): Render<Entry> {
  if (settings.useJson) return jsonFormat(settings, pid)
  const asctime = clockText(settings.dateFormat)
  const identity = template<LogContext>(settings.userIdentityFormat, orDash(contextFields))
  const instance = template<string>(settings.instanceFormat, { uuid: (uuid) => uuid })
  const fields: Fields<Entry> = {
    ...Object.fromEntries(
      Object.entries(contextFields).map(([name, field]) => [name, (entry: Entry) => entry.context && field(entry.context)]),
    ),
    asctime: ({ time }) => asctime(time),
    isotime: ({ time }) => time.toISOString(),
    msecs: ({ time }) => time.getMilliseconds(),
    process: () => pid,
    hostname: () => hostname(),
    levelname: ({ level }) => level,
    name: ({ name }) => name,
    message: ({ message }) => message,
    instance: (entry) => (entry.instance === undefined ? '' : instance(entry.instance)),
    user_identity: ({ context }) => (context ? identity(context) : ''),
    error_summary: (entry) => summary(entry) || '-',
    color: () => '',
    resource: () => '',
  }
  const withContext = summarised(settings.contextFormat, fields)
  const without = summarised(settings.defaultFormat, fields)
  const suffix = settings.debugSuffix === '' ? undefined : template(settings.debugSuffix, fields)
  const prefix = template(settings.exceptionPrefix, fields)
  return function render(entry) {
    let text = (entry.context ? withContext : without)(entry)
    if (suffix && entry.level === 'DEBUG') text += ` ${suffix(entry)}`
    if (entry.error !== undefined) {
      const before = prefix(entry)
      for (const line of stackOf(entry.error).split('\n')) text += `\n${before}${line}`
    }
    return `${maskPassword(text)}\n`
  }
}

const levelNumbers = { DEBUG: 10, INFO: 20, WARNING: 30, ERROR: 40 } as const

/** A record on a line, with the names of oslo_log/formatters.py JSONFormatter, but for the places of log calls and threads, which are not known here. */
function jsonFormat(settings: LogSettings, pid: number): Render<Entry> {
  const asctime = clockText(settings.dateFormat)
  return function render(entry) {
    const { time, level, name, context, error, instance } = entry
    const message = maskPassword(entry.message)
    const record = {
      message,
      asctime: asctime(time),
      name,
      msg: message,
      args: [],
      levelname: level,
      levelno: levelNumbers[level],
      created: time.getTime() / 1000,
      msecs: time.getMilliseconds(),
      process: pid,
      traceback: error === undefined ? null : maskPassword(stackOf(error)),
      hostname: hostname(),
      error_summary: maskPassword(summary(entry)),
      context: context ? contextRecord(context) : {},
      extra: instance === undefined ? {} : { instance },
    }
    return `${JSON.stringify(record)}\n`
  }
}

function contextRecord(context: LogContext): Record<string, unknown> {
  const fields: Fields<LogContext> = { ...contextFields, global_request_id: (c) => c.globalRequestId }
  const named = jsonContextFields.map((name): [string, unknown] => [name, fields[name]!(context)])
  return Object.fromEntries(named.filter(([, value]) => value !== undefined && value !== null))
}

/** oslo_log/formatters.py ContextFormatter: a summary of the error ends the line unless the format places it. */
function summarised(format: string, fields: Fields<Entry>): Render<Entry> {
  const line = template(format, fields)
  if (format.includes('%(error_summary)s')) return line
  return (entry) => {
    const short = summary(entry)
    return short === '' ? line(entry) : `${line(entry)}: ${short}`
  }
}

function summary({ error, level }: Entry): string {
  if (error === undefined || level === 'DEBUG' || level === 'INFO') return ''
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}

/** The stack of an error and of its causes, as far as they are of interest to a reader. */
function stackOf(error: unknown, depth = 0): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? `${error.name}: ${error.message}`
  return error.cause === undefined || depth > 5 ? own : `${own}\nCaused by: ${stackOf(error.cause, depth + 1)}`
}

type Fields<T> = Readonly<Record<string, (value: T) => unknown>>

/** oslo_context/context.py RequestContext.get_logging_values. */
const contextFields: Fields<LogContext> = {
  request_id: (c) => c.requestId,
  global_request_id: (c) => c.globalRequestId ?? 'None',
  user: (c) => c.userId,
  user_id: (c) => c.userId,
  user_name: (c) => c.userName,
  project: (c) => c.projectId,
  project_id: (c) => c.projectId,
  project_name: (c) => c.projectName,
  domain: (c) => c.domainId,
  domain_name: (c) => c.domainName,
  system_scope: (c) => c.systemScope,
  user_domain: (c) => c.userDomainId,
  project_domain: (c) => c.projectDomainId,
  remote_address: (c) => c.remoteAddress,
}

/** oslo_context/context.py RequestContext.to_dict, without the token. */
const jsonContextFields = [
  'request_id',
  'global_request_id',
  'user_id',
  'user_name',
  'project_id',
  'project_name',
  'system_scope',
  'user_domain',
  'project_domain',
  'remote_address',
]

const orDash = <T>(fields: Fields<T>): Fields<T> =>
  Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, (value: T) => field(value) || '-']))

/** Compiles `%(name)s`, `%(name)d`, `%(name)03d` and `%%`. A name nobody fills stays as it stands. */
function template<T>(format: string, fields: Fields<T>): Render<T> {
  const parts = [...format.matchAll(/%\((\w+)\)(0?)(\d*)[sdi]|%%|[^%]+|%/g)].map(([whole, name, zero, width]): string | Render<T> => {
    if (whole === '%%') return '%'
    const field = name !== undefined && Object.hasOwn(fields, name) ? fields[name] : undefined
    if (!field) return whole
    const size = Number(width)
    return size === 0 ? (value) => `${field(value) ?? ''}` : (value) => String(field(value) ?? '').padStart(size, zero ? '0' : ' ')
  })
  return function render(value) {
    let text = ''
    for (const part of parts) text += typeof part === 'string' ? part : part(value)
    return text
  }
}

const two = (value: number): string => (value < 10 ? `0${value}` : `${value}`)

const dateFields: Readonly<Record<string, Render<Date>>> = {
  Y: (d) => String(d.getFullYear()),
  m: (d) => two(d.getMonth() + 1),
  d: (d) => two(d.getDate()),
  H: (d) => two(d.getHours()),
  M: (d) => two(d.getMinutes()),
  S: (d) => two(d.getSeconds()),
  b: (d) => d.toLocaleString('en', { month: 'short' }),
  z: (d) => zone(d.getTimezoneOffset()),
  '%': () => '%',
}

const zone = (minutesWest: number): string =>
  `${minutesWest > 0 ? '-' : '+'}${two(Math.trunc(Math.abs(minutesWest) / 60))}${two(Math.abs(minutesWest) % 60)}`

/** strftime of the local time, worked out once a second. */
function clockText(format: string): Render<Date> {
  let second = Number.NaN
  let text = ''
  return (time) => {
    const now = Math.floor(time.getTime() / 1000)
    if (now !== second) {
      second = now
      text = format.replace(/%(.)/g, (whole, letter: string) => dateFields[letter]?.(time) ?? whole)
    }
    return text
  }
}
