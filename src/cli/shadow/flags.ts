/** The command line of `nova-ts shadow`. */
import { readFileSync } from 'node:fs'
import { BadAddress, type Endpoint, parseAddress, parseEndpoint } from '../../hosts/address.ts'
import { defaults, type ShadowSettings } from '../../shadow/settings.ts'
import { parseFlags } from '../parse.ts'
import { Refusal, UsageError } from '../usage.ts'

const mib = 1024 * 1024

const shadowFlags = {
  listen: { value: 'ADDRESS', help: 'Where clients come: HOST:PORT, http://HOST:PORT, https://HOST:PORT, http:/PATH.' },
  to: { value: 'URL', help: 'The real nova-api: every request goes there, and its answer goes back to the client.' },
  compare: { value: 'URL', help: 'The API whose answers to reads are compared with those.' },
  report: {
    value: 'FILE',
    help: 'Where differences go, a line of JSON each; standard output without it. Opened anew when it was moved away.',
  },
  metrics: { value: 'ADDRESS', help: 'HOST:PORT or a path, on which GET /metrics answers in Prometheus’ format.' },
  sample: { value: 'PERCENT', help: `Mirror so many of a hundred reads (${defaults.samplePercent}).` },
  concurrency: { value: 'N', help: `Mirror so many at once (${defaults.concurrency}).` },
  queue: { value: 'N', help: `Let so many wait; what comes when all places are taken is not compared (${defaults.queue}).` },
  largest: { value: 'MIB', help: `Do not compare larger answers (${defaults.largestBytes / mib}).` },
  memory: { value: 'MIB', help: `Most memory for answers that wait (${defaults.heldBytes / mib}).` },
  timeout: { value: 'SECONDS', help: `How long an answer of the compared one may take (${defaults.oursSeconds}).` },
  'real-timeout': { value: 'SECONDS', help: `How long the real one may be silent before the client gets 504 (${defaults.realSeconds}).` },
  repeat: { value: 'N', help: `Write so many differences of one kind; more are only counted (${defaults.repeat}).` },
  drain: { value: 'SECONDS', help: `How long requests and comparisons may go on at the end (${defaults.drainSeconds}).` },
  cert: { value: 'FILE', help: 'Certificate of an https address, with its chain, in PEM.' },
  key: { value: 'FILE', help: 'Its key.' },
  ca: { value: 'FILE', help: 'Certificates that both APIs are trusted by, in PEM, when they have https addresses.' },
  rules: { help: 'Print what is compared how, and end.' },
} as const satisfies Record<string, { readonly value?: string; readonly help: string }>

type FlagName = keyof typeof shadowFlags

/** Undefined for `--rules`. Throws a `UsageError`, or a `Refusal` for a file that cannot be read. */
export function readShadowLine(argv: readonly string[]): ShadowSettings | undefined {
  const options = Object.fromEntries(
    Object.entries(shadowFlags).map(([name, flag]) => [name, { type: 'value' in flag ? ('string' as const) : ('boolean' as const) }]),
  )
  const { values } = parseFlags(argv, options)
  if (values.rules === true) return undefined
  const text = (name: FlagName) => values[name] as string | undefined
  const number = (name: FlagName, usual: number, least: number, most: number) => numberIn(name, text(name), usual, least, most)
  const authorities = text('ca') === undefined ? undefined : fileText('ca', text('ca')!)
  return {
    listen: listenOf(text('listen'), text('cert'), text('key')),
    real: apiAt('to', text('to')),
    ours: apiAt('compare', text('compare')),
    ...(authorities !== undefined && { authorities }),
    realSeconds: number('real-timeout', defaults.realSeconds, 1, 86_400),
    oursSeconds: number('timeout', defaults.oursSeconds, 1, 3600),
    samplePercent: number('sample', defaults.samplePercent, 0, 100),
    concurrency: number('concurrency', defaults.concurrency, 1, 256),
    queue: number('queue', defaults.queue, 1, 100_000),
    largestBytes: number('largest', defaults.largestBytes / mib, 1, 256) * mib,
    heldBytes: number('memory', defaults.heldBytes / mib, 1, 65_536) * mib,
    repeat: number('repeat', defaults.repeat, 1, 1e9),
    drainSeconds: number('drain', defaults.drainSeconds, 0, 3600),
    report: text('report') ?? defaults.report,
    metrics: text('metrics') === undefined ? defaults.metrics : address(() => parseAddress(text('metrics')!)),
  }
}

function listenOf(text: string | undefined, cert: string | undefined, key: string | undefined): Endpoint {
  if (text === undefined) throw new UsageError('shadow needs --listen, where clients come')
  const endpoint = address(() =>
    /^(https?|uwsgi):/.test(text) ? parseEndpoint(text) : { protocol: 'http' as const, address: parseAddress(text) },
  )
  if (endpoint.protocol === 'uwsgi') throw new UsageError('--listen takes http or https: a shadow does not speak the uwsgi protocol')
  if (endpoint.protocol === 'http') return endpoint
  if (!cert || !key) throw new UsageError(`${text} needs --cert and --key`)
  // told now, and not when the first client comes
  for (const [flag, file] of [
    ['cert', cert],
    ['key', key],
  ] as const)
    fileText(flag, file)
  return { ...endpoint, certificate: { certificate: cert, key } }
}

function address<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof BadAddress) throw new UsageError(error.message, { cause: error })
    throw error
  }
}

function apiAt(flag: 'to' | 'compare', text: string | undefined): URL {
  if (text === undefined)
    throw new UsageError(`shadow needs --${flag}, such as --${flag} http://${flag === 'to' ? 'nova-api' : '127.0.0.1'}:8774`)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) throw new UsageError(`--${flag} takes a URL such as http://127.0.0.1:8774, not ${text}`)
  if (url.pathname !== '/' || url.search !== '' || url.username !== '')
    throw new UsageError(`--${flag} takes an address without a path: the path that a client asks for goes on unchanged`)
  return url
}

function numberIn(flag: FlagName, text: string | undefined, usual: number, least: number, most: number): number {
  if (text === undefined) return usual
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1
  if (value < least || value > most) throw new UsageError(`--${flag} takes a number from ${least} to ${most}, not ${text}`)
  return value
}

function fileText(flag: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Refusal(`--${flag}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
}

/** Flags as lines of a help text. */
export function describeShadowFlags(): string {
  const rows = Object.entries(shadowFlags).map(([name, flag]) => [`--${name}${'value' in flag ? ` ${flag.value}` : ''}`, flag.help])
  const width = Math.max(...rows.map(([flag]) => flag!.length))
  return rows.map(([flag, help]) => `  ${flag!.padEnd(width)}  ${help}`).join('\n')
}
