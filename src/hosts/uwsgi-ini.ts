/**
 * Reads the `[uwsgi]` files that DevStack, kolla-ansible, openstack-ansible and others write, so that one file starts uWSGI or this host.
 * What an option asks for and does not get is told; what would make a service open or silent in another way than asked is refused.
 */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, extname, resolve } from 'node:path'
import { type Endpoint, type Protocol, parseAddress } from './address.ts'
import { defaults, type HostSettings } from './settings.ts'

/** A file that cannot be followed; told with its line, without a stack. */
export class BadUwsgiFile extends Error {
  override readonly name = 'BadUwsgiFile'
}

export interface UwsgiFile {
  /** Paths as they are written. */
  readonly settings: HostSettings
  /** What it asks for that is done differently or not at all, one sentence each. */
  readonly notices: readonly string[]
  /** What it says that has no meaning here. */
  readonly passedOver: readonly string[]
}

export interface UwsgiText {
  readonly text: string
  readonly path: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Throws `BadUwsgiFile`. */
export function readUwsgiFile(path: string, env: UwsgiText['env']): UwsgiFile {
  try {
    return parseUwsgiFile({ text: readFileSync(path, 'utf8'), path, env })
  } catch (error) {
    if (error instanceof BadUwsgiFile) throw error
    throw new BadUwsgiFile(unreadable(path, (error as NodeJS.ErrnoException).code), { cause: error })
  }
}

interface Assignment {
  readonly key: string
  readonly value: string
  readonly line: number
}

type Draft = { -readonly [K in keyof HostSettings]: HostSettings[K] } & {
  listen: Endpoint[]
  headers: [string, string][]
  arguments: string[]
  environment: Record<string, string>
  notices: string[]
  master: boolean
}

export function parseUwsgiFile(file: UwsgiText): UwsgiFile {
  const assignments = assignmentsOf(file)
  // uWSGI logs requests unless it is told not to
  const accessLog = { form: 'uwsgi', skipAgents: [], forwardedFor: false }
  const draft: Draft = { ...defaults, accessLog, listen: [], headers: [], arguments: [], environment: {}, notices: [], master: false }
  const passedOver = new Set<string>()
  for (const { key, value, line } of assignments) {
    const act = Object.hasOwn(options, key) ? options[key]! : undefined
    try {
      if (act) act(draft, value)
      else if (silently.has(key)) passedOver.add(key)
      else draft.notices.push(`${key} is not known and was ignored`)
    } catch (error) {
      throw new BadUwsgiFile(`${file.path}:${line}: ${key} = ${value}: ${(error as Error).message}`, { cause: error })
    }
  }
  const { notices, master, ...settings } = draft
  if (settings.module === '') throw new BadUwsgiFile(`${file.path} names no application: it needs module, wsgi or wsgi-file`)
  if (settings.listen.length === 0)
    throw new BadUwsgiFile(`${file.path} names no address: it needs socket, http, http-socket, https or https-socket`)
  const workers = master ? Math.max(1, settings.workers) : settings.workers
  return { settings: { ...settings, workers }, notices, passedOver: [...passedOver] }
}

function unreadable(path: string, code: string | undefined): string {
  if (code === 'ENOENT') return `there is no file ${path}`
  if (code === 'EISDIR') return `${path} is a directory, and no file`
  return `${path} cannot be read: ${code === 'EACCES' ? 'this user may not' : code}`
}

/** The lines of `[uwsgi]`, with `%(option)`, `$(VARIABLE)` and the letters for the file's own path replaced. */
function assignmentsOf({ text, path, env }: UwsgiText): Assignment[] {
  const found: Assignment[] = []
  let inside = false
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith(';') || line.startsWith('#')) continue
    const [, section] = /^\[(.+)\]$/.exec(line) ?? []
    if (section !== undefined) {
      inside = section === 'uwsgi'
      continue
    }
    if (!inside) continue
    const [, key = line, value = 'true'] = /^([^=]*?)\s*=\s*(.*)$/.exec(line) ?? []
    found.push({ key, value: filled(value, found, path, env), line: index + 1 })
  }
  if (found.length === 0) throw new BadUwsgiFile(`${path} has no section [uwsgi]`)
  return found
}

/** core/config.c of uWSGI; the letters are its magic variables. */
function filled(value: string, before: readonly Assignment[], path: string, env: UwsgiText['env']): string {
  const letters: Record<string, string> = {
    p: resolve(path),
    d: `${dirname(resolve(path))}/`,
    s: basename(path),
    n: basename(path, extname(path)),
    k: String(availableParallelism()),
  }
  return value
    .replace(/\$\(([\w.]+)\)/g, (_, name: string) => env[name] ?? '')
    .replace(/%\(([\w-]+)\)/g, (whole, name: string) => before.findLast(({ key }) => key === name)?.value ?? whole)
    .replace(/%([pdsnk])(?![\w(])/g, (_, letter: string) => letters[letter]!)
}

const yes = (value: string): boolean => /^(true|1|on|yes)$/i.test(value)

function number(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new RangeError('is no number')
  return Number(value)
}

function octal(value: string): number {
  if (!/^0?[0-7]{3}$/.test(value)) throw new RangeError('is not three octal digits')
  return Number.parseInt(value, 8)
}

const listenIn =
  (protocol: Protocol) =>
  (draft: Draft, value: string): void => {
    draft.listen.push({ protocol, address: parseAddress(value.replace(/^uwsgi:\/\//, '')) })
  }

/** `address,certificate,key[,ciphers[,authority]]`; an authority behind `!` must have signed the client's. */
function listenSecurely(draft: Draft, value: string): void {
  const [address = '', certificate, key, ciphers, authority] = value.split(',')
  if (!certificate || !key) throw new RangeError('needs an address, a certificate and a key with commas between')
  if (ciphers) draft.notices.push(`the ciphers of ${address} are those of Node, not ${ciphers}`)
  const clientAuthority = authority?.replace(/^!/, '')
  draft.listen.push({
    protocol: 'https',
    address: parseAddress(address),
    certificate: { certificate, key, ...(clientAuthority && { clientAuthority }) },
  })
}

function setModule(draft: Draft, value: string): void {
  // Nova's modules call it so as well, and it is what is taken when nothing else is said
  draft.module = value.replace(/:application$/, '')
}

/** `/prefix=module` */
function mountAt(draft: Draft, value: string): void {
  const [, prefix, module] = /^(\/[^=]*)=(.+)$/.exec(value) ?? []
  if (!prefix || !module) throw new RangeError('is not /PREFIX=MODULE')
  if (draft.prefix !== '') throw new RangeError('one application is served, at one prefix')
  setModule(draft, module)
  draft.prefix = prefix.replace(/\/+$/, '')
}

/** `REGEX ACTION`: only one action matters to a log, and no other can be done. */
function routeAgent(draft: Draft, value: string): void {
  const [, pattern, action] = /^(\S+)\s+(\S+)$/.exec(value) ?? []
  if (!pattern || action !== 'donotlog:') throw new RangeError('only `REGEX donotlog:` can be done')
  void new RegExp(pattern)
  if (draft.accessLog) draft.accessLog = { ...draft.accessLog, skipAgents: [...draft.accessLog.skipAgents, pattern] }
}

function addHeader(draft: Draft, value: string): void {
  const [, name, text] = /^([\w-]+):\s*(.*)$/.exec(value) ?? []
  if (!name) throw new RangeError('is not NAME: VALUE')
  draft.headers.push([name, text!])
}

/** `[NAME] file:PATH`; the other kinds of loggers are uWSGI's plugins. */
function setLogger(draft: Draft, value: string): void {
  const [, path] = /^(?:\S+ )?file:(.+)$/.exec(value) ?? []
  if (path) draft.logFile = path
  else if (!/^(?:\S+ )?(?:stdio|stderr|stdout)\b/.test(value))
    draft.notices.push(`logger ${value} is not done: lines go to logto or to the standard streams`)
}

const shareLog = (change: Partial<NonNullable<HostSettings['accessLog']>>) => (draft: Draft) => {
  if (draft.accessLog) draft.accessLog = { ...draft.accessLog, ...change }
}

const words = (value: string): string[] => (value.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'))

const notDone =
  (why: string) =>
  (draft: Draft, value: string): void => {
    if (!/^(false|0|off|no)$/i.test(value)) draft.notices.push(why)
  }

const setWorkers = (draft: Draft, value: string): void => void (draft.workers = number(value))
/** Some 23 days at the most: a timer of Node that is to wait for longer does not wait at all. */
const seconds = (value: string): number => Math.min(number(value), 2_000_000)
const setDrain = (draft: Draft, value: string): void => void (draft.drainSeconds = seconds(value))
const setReceive = (draft: Draft, value: string): void => void (draft.receiveSeconds = Math.max(1, seconds(value)))
const setLogFile = (draft: Draft, value: string): void => void (draft.logFile = value)
const setMaxMemory = (draft: Draft, value: string): void => void (draft.maxMemoryMib = number(value))
const setPidFile = (draft: Draft, value: string): void => void (draft.pidFile = value)

const options: Readonly<Record<string, (draft: Draft, value: string) => void>> = {
  socket: listenIn('uwsgi'),
  'uwsgi-socket': listenIn('uwsgi'),
  http: listenIn('http'),
  'http-socket': listenIn('http'),
  'http11-socket': listenIn('http'),
  https: listenSecurely,
  'https-socket': listenSecurely,
  module: setModule,
  wsgi: setModule,
  'wsgi-file': setModule,
  file: setModule,
  mount: mountAt,
  processes: setWorkers,
  workers: setWorkers,
  master: (draft, value) => void (draft.master = yes(value)),
  'add-header': addHeader,
  'buffer-size': (draft, value) => void (draft.headBytes = Math.max(16_384, Math.min(65_535, number(value)))),
  'chmod-socket': (draft, value) => void (draft.socketMode = value === 'true' ? 0o666 : octal(value)),
  'chown-socket': (draft, value) => void (draft.socketOwner = value),
  uid: (draft, value) => void (draft.user = value),
  gid: (draft, value) => void (draft.group = value),
  pidfile: setPidFile,
  'safe-pidfile': setPidFile,
  logto: setLogFile,
  logto2: setLogFile,
  daemonize: (draft, value) => {
    setLogFile(draft, value)
    draft.notices.push('daemonize is not done: the process stays, and logs to that file')
  },
  'disable-logging': (draft, value) => {
    if (yes(value)) draft.accessLog = null
  },
  'log-format': (draft, value) => shareLog({ form: value })(draft),
  'log-x-forwarded-for': (draft, value) => shareLog({ forwardedFor: yes(value) })(draft),
  'route-user-agent': routeAgent,
  pyargv: (draft, value) => void draft.arguments.push(...words(value)),
  env: (draft, value) => {
    const [, name, text] = /^(\w+)=(.*)$/.exec(value) ?? []
    if (!name) throw new RangeError('is not NAME=VALUE')
    draft.environment[name] = text!
  },
  'worker-reload-mercy': setDrain,
  'reload-mercy': setDrain,
  'http-timeout': setReceive,
  'socket-timeout': setReceive,
  'http-keepalive': (draft, value) => {
    if (/^\d+$/.test(value) && Number(value) > 1) draft.keepAliveSeconds = Number(value)
  },
  'max-requests': (draft, value) => void (draft.maxRequests = number(value)),
  stats: notDone('stats is not spoken: --metrics gives Prometheus metrics'),
  'stats-server': notDone('stats-server is not spoken: --metrics gives Prometheus metrics'),
  harakiri: (draft, value) => void (draft.requestSeconds = seconds(value)),
  chdir: (draft, value) => void (draft.directory = resolve(value)),
  logger: setLogger,
  'req-logger': notDone('req-logger is not done: the access log goes where the other lines go'),
  'logfile-chmod': (draft, value) => void (draft.logMode = octal(value)),
  'logfile-chown': notDone('logfile-chown is not done: the file belongs to who runs the host'),
  'reload-on-rss': setMaxMemory,
  'evil-reload-on-rss': setMaxMemory,
  'max-worker-lifetime': (draft, value) => void (draft.maxAgeSeconds = seconds(value)),
  'limit-as': notDone('limit-as is not done: reload-on-rss replaces workers, and a unit or a container can limit memory'),
}

/** What asks for nothing here: it is always so, or belongs to Python or to threads. */
const silently = new Set(
  `auto-procname chunked-input-limit close-on-exec die-on-term disable-write-exception enable-threads exit-on-reload gevent hook-master-start home
http-auto-chunked http-auto-gzip http-chunked-input http-keepalive-timeout http-raw-body http-so-keepalive http-socket-modifier1 ignore-sigpipe
harakiri-verbose ignore-write-errors lazy lazy-apps listen log-date log-master manage-script-name max-requests-delta memory-report need-app
no-orphans plugin plugin-dir plugins plugins-dir post-buffering procname-prefix procname-prefix-spaced pythonpath python-path single-interpreter
so-keepalive strict thread-stacksize threads threads-stacksize thunder-lock vacuum venv virtualenv wsgi-disable-file-wrapper wsgi-manage-chunked-input`.split(
    /\s+/,
  ),
)
