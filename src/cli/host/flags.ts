/** The command line of `nova-ts host`, read over what a `[uwsgi]` file says. */
import { accessForms } from '../../hosts/access-log.ts'
import { BadAddress, type Endpoint, parseAddress, parseEndpoint } from '../../hosts/address.ts'
import { absolutePaths, defaults, type HostSettings } from '../../hosts/settings.ts'
import { inheritedSockets } from '../../hosts/systemd.ts'
import { BadUwsgiFile, readUwsgiFile } from '../../hosts/uwsgi-ini.ts'
import type { Environment } from '../cloud/flags.ts'
import { parseFlags } from '../parse.ts'
import { UsageError } from '../usage.ts'

interface Flag {
  /** Stands for its value in the help; a flag without one takes none. */
  readonly value?: string
  readonly many?: true
  readonly help: string
}

const hostFlags = {
  listen: {
    value: 'ADDRESS',
    many: true,
    help: 'http://HOST:PORT, https://…, uwsgi://…, http:/PATH, uwsgi:/PATH, http:systemd:N; may be repeated.',
  },
  cert: { value: 'FILE', help: 'Certificate of https addresses, with its chain, in PEM; read again on SIGHUP.' },
  key: { value: 'FILE', help: 'Its key.' },
  'client-ca': { value: 'FILE', help: 'Clients need a certificate that one of these signed.' },
  ini: { value: 'FILE', help: 'A [uwsgi] file; flags beat what it says.' },
  workers: { value: 'N', help: 'Processes that serve, under a supervisor; 0, the default, serves without.' },
  prefix: { value: '/PATH', help: 'The application answers below this path too, as with SCRIPT_NAME.' },
  drain: { value: 'SECONDS', help: 'How long requests and kept connections may go on at an end or a reload (60).' },
  'keep-alive': { value: 'SECONDS', help: 'How long a client may keep a connection without asking (75).' },
  'receive-timeout': { value: 'SECONDS', help: 'How long a client may take to send a request (300).' },
  'max-requests': { value: 'N', help: 'A worker gives way to a fresh one after so many.' },
  'max-memory': { value: 'MIB', help: 'A worker gives way to a fresh one when it holds more.' },
  'max-age': { value: 'SECONDS', help: 'A worker gives way to a fresh one after so long.' },
  'request-limit': { value: 'SECONDS', help: 'A request that is not answered by then gets 504, and its worker gives way to a fresh one.' },
  header: { value: 'NAME: VALUE', many: true, help: 'Added to every answer, such as "Connection: close".' },
  'socket-mode': { value: 'MODE', help: 'Permissions of UNIX sockets, such as 660.' },
  'socket-owner': { value: 'USER:GROUP', help: 'Whom UNIX sockets are given to.' },
  'access-log': { value: 'FORM', help: `${accessForms.join(', ')}, off (the default), or a format with %(places) as uWSGI's log-format.` },
  'skip-agent': { value: 'REGEX', many: true, help: 'Requests of such a User-Agent are not logged.' },
  'log-forwarded': { help: 'The address in the access log is that of X-Forwarded-For.' },
  'service-log': { value: 'FORM', help: 'oslo (the default) or json.' },
  'log-file': { value: 'FILE', help: 'Where both logs go; opened anew when it was moved away.' },
  metrics: { value: 'ADDRESS', help: 'HOST:PORT or a path, on which GET /metrics answers.' },
  health: { value: '/PATH', help: 'Answers 200, and 503 once the process is about to end.' },
  'server-timing': { help: 'Adds the header Server-Timing.' },
  user: { value: 'NAME', help: 'Becomes this user when started by root.' },
  group: { value: 'NAME', help: 'And this group.' },
  'pid-file': { value: 'FILE', help: 'Gets the number of the process.' },
  tether: { help: 'Ends when standard input ends.' },
} as const satisfies Record<string, Flag>

export interface HostLine {
  readonly settings: HostSettings
  readonly notices: readonly string[]
}

/** Throws a `UsageError`. What stands behind `--` is the application's. */
export function readHostLine(argv: readonly string[], env: Environment): HostLine {
  const dashes = argv.indexOf('--')
  const own = dashes < 0 ? argv : argv.slice(0, dashes)
  const { values, positionals } = parsed(own)
  if (positionals.length > 1) throw new UsageError(`host takes one module, not ${positionals.join(' and ')}`)
  const text = (name: keyof typeof hostFlags) => values[name] as string | undefined
  const list = (name: keyof typeof hostFlags) => (values[name] ?? []) as string[]
  try {
    const ini = text('ini')
    const file = ini === undefined ? { settings: defaults, notices: [], passedOver: [] } : readUwsgiFile(ini, env)
    const base = file.settings
    const module = positionals[0] ?? base.module
    if (module === '') throw new UsageError('host needs the module that exports the application, such as nova.wsgi.osapi_compute')
    const settings: HostSettings = {
      ...base,
      module,
      listen: listenOf(list('listen'), base, module, { text, env }),
      workers: whole('workers', text('workers'), 512) ?? base.workers,
      prefix: prefixOf(text('prefix')) ?? base.prefix,
      drainSeconds: whole('drain', text('drain'), 86_400) ?? base.drainSeconds,
      keepAliveSeconds: whole('keep-alive', text('keep-alive'), 86_400) ?? base.keepAliveSeconds,
      receiveSeconds: whole('receive-timeout', text('receive-timeout'), 86_400, 1) ?? base.receiveSeconds,
      maxRequests: whole('max-requests', text('max-requests'), 1e9) ?? base.maxRequests,
      requestSeconds: whole('request-limit', text('request-limit'), 86_400) ?? base.requestSeconds,
      maxMemoryMib: whole('max-memory', text('max-memory'), 1e6) ?? base.maxMemoryMib,
      maxAgeSeconds: whole('max-age', text('max-age'), 2_000_000) ?? base.maxAgeSeconds,
      socketOwner: text('socket-owner') ?? base.socketOwner,
      headers: [...base.headers, ...list('header').map(headerOf)],
      socketMode: modeOf(text('socket-mode')) ?? base.socketMode,
      accessLog: accessOf(base, text('access-log'), list('skip-agent'), values['log-forwarded'] === true),
      serviceLog: serviceForm(text('service-log')) ?? base.serviceLog,
      logFile: text('log-file') ?? base.logFile,
      metrics: text('metrics') === undefined ? base.metrics : parseAddress(text('metrics')!),
      healthPath: text('health') ?? base.healthPath,
      serverTiming: values['server-timing'] === true || base.serverTiming,
      arguments: [...base.arguments, ...(dashes < 0 ? [] : argv.slice(dashes + 1))],
      tether: values.tether === true,
      user: text('user') ?? base.user,
      group: text('group') ?? base.group,
      pidFile: text('pid-file') ?? base.pidFile,
    }
    const without = file.passedOver.length > 0 ? [`has no meaning here, or is always so: ${file.passedOver.join(', ')}`] : []
    return { settings: absolutePaths(settings), notices: [...file.notices, ...without].map((notice) => `${ini}: ${notice}`) }
  } catch (error) {
    if (error instanceof BadAddress || error instanceof BadUwsgiFile) throw new UsageError(error.message, { cause: error })
    throw error
  }
}

function parsed(argv: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(hostFlags as Record<string, Flag>).map(([name, { value, many }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: many === true },
    ]),
  )
  return parseFlags(argv, options, true)
}

type Text = (name: keyof typeof hostFlags) => string | undefined

/** Without an address: the sockets that systemd handed over, else the service's usual port on this machine alone. */
function listenOf(
  said: readonly string[],
  base: HostSettings,
  module: string,
  { text, env }: { text: Text; env: Environment },
): readonly Endpoint[] {
  if (said.length === 0 && base.listen.length > 0) return base.listen
  const inherited = inheritedSockets(env)
  const usual = module.includes('metadata') ? 8775 : 8774
  const addresses =
    said.length > 0
      ? said
      : inherited > 0
        ? Array.from({ length: inherited }, (_, index) => `http:systemd:${index}`)
        : [`http://127.0.0.1:${usual}`]
  return addresses.map((address): Endpoint => {
    const endpoint = parseEndpoint(address)
    if (endpoint.protocol !== 'https') return endpoint
    const [certificate, key, clientAuthority] = [text('cert'), text('key'), text('client-ca')]
    if (!certificate || !key) throw new UsageError(`${address} needs --cert and --key`)
    return { ...endpoint, certificate: { certificate, key, ...(clientAuthority !== undefined && { clientAuthority }) } }
  })
}

function whole(flag: string, text: string | undefined, most: number, least = 0): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1
  if (value < least || value > most) throw new UsageError(`--${flag} takes a number from ${least} to ${most}, not ${text}`)
  return value
}

function prefixOf(text: string | undefined): string | undefined {
  if (text !== undefined && !text.startsWith('/')) throw new UsageError(`--prefix begins with a slash, unlike ${text}`)
  return text
}

function headerOf(text: string): [string, string] {
  const [, name, value] = /^([\w-]+):\s*(.*)$/.exec(text) ?? []
  if (!name) throw new UsageError(`--header takes "NAME: VALUE", not ${text}`)
  return [name, value!]
}

function modeOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^0?[0-7]{3}$/.test(text)) throw new UsageError(`--socket-mode takes three octal digits, not ${text}`)
  return Number.parseInt(text, 8)
}

function serviceForm(text: string | undefined): 'oslo' | 'json' | undefined {
  if (text === undefined || text === 'oslo' || text === 'json') return text
  throw new UsageError(`--service-log is oslo or json, not ${text}`)
}

function accessOf(base: HostSettings, form: string | undefined, skip: readonly string[], forwardedFor: boolean): HostSettings['accessLog'] {
  if (form === 'off') return null
  if (form !== undefined && !accessForms.includes(form as never) && !form.includes('%('))
    throw new UsageError(`--access-log is ${accessForms.join(', ')}, off or a format with %(places), not ${form}`)
  for (const pattern of skip)
    try {
      void new RegExp(pattern)
    } catch (error) {
      throw new UsageError(`--skip-agent: ${(error as Error).message}`, { cause: error })
    }
  const before = base.accessLog ?? (form === undefined ? null : { form, skipAgents: [], forwardedFor: false })
  return (
    before && {
      form: form ?? before.form,
      skipAgents: [...before.skipAgents, ...skip],
      forwardedFor: before.forwardedFor || forwardedFor,
    }
  )
}

/** Flags as lines of a help text. */
export function describeHostFlags(): string {
  const rows = Object.entries(hostFlags as Record<string, Flag>).map(([name, { value, help }]) => [
    `--${name}${value ? ` ${value}` : ''}`,
    help,
  ])
  const width = Math.max(...rows.map(([flag]) => flag!.length))
  return rows.map(([flag, help]) => `  ${flag!.padEnd(width)}  ${help}`).join('\n')
}
