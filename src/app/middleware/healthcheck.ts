/** Says whether the service should get requests, for load balancers (oslo_middleware/healthcheck). It is an application, not a filter. */
import { existsSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import { hostname, release, type as systemType } from 'node:os'
import { boolean, group, list, text as textOption } from '../../oslo/config/options.ts'
import { acceptable } from '../accept.ts'
import { type Application, headerJoined, type Request, text } from '../contract.ts'
import { escapeHtml, httpError } from '../http-error.ts'

export const healthcheckOptions = group('healthcheck', {
  detailed: boolean('detailed', false, { help: 'Say more; it may be more than strangers should know.' }),
  backends: list('backends', [], { help: 'What is looked at: disable_by_file, enable_by_files.' }),
  sourceRanges: list('allowed_source_ranges', [], { help: 'Networks from which it may be asked; any when empty.' }),
  ignoreProxied: boolean('ignore_proxied_requests', false, { help: 'Do not answer requests that came through a proxy.' }),
  disableByFile: textOption('disable_by_file_path', null, { help: 'While this file exists, the answer is 503.' }),
  enableByFiles: list('enable_by_file_paths', [], { help: 'While one of these files is missing, the answer is 503.' }),
})

export interface HealthcheckSettings {
  readonly detailed?: boolean
  readonly backends?: readonly string[]
  /** `10.0.0.0/8`, `::1`. */
  readonly sourceRanges?: readonly string[]
  readonly ignoreProxied?: boolean
  readonly disableByFile?: string | null
  readonly enableByFiles?: readonly string[]
  readonly now?: () => Date
}

interface Finding {
  readonly available: boolean
  readonly reason: string
  readonly details: string
}

const proxyHeaders = ['x-forwarded', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-for', 'x-forwarded-prefix']

/** 200 while all backends are content, else 503, as plain text, HTML or JSON; HEAD is answered 204. Throws for a backend that is unknown. */
export const healthcheck = ({
  detailed = false,
  backends = [],
  sourceRanges = [],
  ignoreProxied = false,
  disableByFile = null,
  enableByFiles = [],
  now = () => new Date(),
}: HealthcheckSettings = {}): Application => {
  const checks: Record<string, () => Finding> = {
    disable_by_file: () => disabledByFile(disableByFile),
    enable_by_files: () => enabledByFiles(enableByFiles),
  }
  for (const backend of backends)
    if (!Object.hasOwn(checks, backend))
      throw new Error(`no health check backend is known as '${backend}'; known are ${Object.keys(checks).join(', ')}`)
  if (Object.keys(checks).every((backend) => backends.includes(backend)))
    throw new Error('disable_by_file and enable_by_files exclude each other')
  const inRange = sourceRanges.length > 0 ? rangeCheck(sourceRanges) : () => true
  const forms: Readonly<Record<string, (findings: readonly Finding[]) => string>> = {
    'text/plain': (findings) =>
      findings
        .map(({ reason }) => reason)
        .join('\n')
        .trim(),
    'text/html': (findings) => htmlPage(findings, detailed ? now() : undefined),
    'application/json': (findings) =>
      JSON.stringify(
        detailed ? detailedFacts(findings, now()) : { detailed: false, reasons: findings.map(({ reason }) => reason) },
        null,
        4,
      ),
  }

  return async function healthcheck(request) {
    if (!inRange(request.remoteAddress) || (ignoreProxied && proxied(request)))
      return httpError(request, 404, 'Not Found', 'The resource could not be found.')
    const findings = backends.map((backend) => checks[backend]!())
    const healthy = findings.every(({ available }) => available)
    if (request.method === 'HEAD') return healthy ? { status: 204, headers: [], body: null } : text(503, '')
    const form = acceptable(headerJoined(request, 'accept'), Object.keys(forms))[0] ?? 'text/plain'
    const type = form === 'application/json' ? form : `${form}; charset=UTF-8`
    return text(healthy ? 200 : 503, forms[form]!(findings), [['Content-Type', type]])
  }
}

function disabledByFile(path: string | null): Finding {
  if (!path) return { available: true, reason: 'OK', details: "No 'disable_by_file_path' configuration value specified" }
  if (!existsSync(path)) return { available: true, reason: 'OK', details: `Path '${path}' was not found` }
  return { available: false, reason: 'DISABLED BY FILE', details: `Path '${path}' was found` }
}

function enabledByFiles(paths: readonly string[]): Finding {
  const missing = paths.find((path) => !existsSync(path))
  if (missing === undefined) return { available: true, reason: 'OK', details: 'Specified file paths are available' }
  return { available: false, reason: 'FILE PATH MISSING', details: `File path ${missing} is missing` }
}

const proxied = (request: Request): boolean => proxyHeaders.some((name) => Boolean(headerJoined(request, name)))

function rangeCheck(ranges: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [network, bits] = range.split('/', 2)
    const version = isIP(network!)
    if (version === 0) throw new Error(`'${range}' is not a network`)
    list.addSubnet(network!, bits === undefined ? (version === 4 ? 32 : 128) : Number(bits), version === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}

const platform = (): string => `${systemType()}-${release()}`

/** As upstream's but for what is Python's own: collector, threads and greenthreads. */
const detailedFacts = (findings: readonly Finding[], now: Date) => ({
  detailed: true,
  node_version: process.version,
  now: now.toISOString(),
  platform: platform(),
  reasons: findings.map(({ reason, details }) => ({ class: 'HealthcheckResult', details, reason })),
})

function htmlPage(findings: readonly Finding[], detailedAt: Date | undefined): string {
  const facts: [string, string][] = detailedAt
    ? [
        ['Server hostname', hostname()],
        ['Current time', detailedAt.toISOString()],
        ['Node version', process.version],
        ['Platform', platform()],
      ]
    : []
  const head = facts.map(([name, value]) => `<B>${name}:</B><PRE>${escapeHtml(value)}</PRE>\n`).join('')
  const rows = findings.map(({ reason, details }) => (detailedAt ? ['HealthcheckResult', reason, details] : [reason]))
  const columns = detailedAt ? ['Kind', 'Reason', 'Details'] : ['Reason']
  return [
    '<HTML>\n<HEAD><TITLE>Healthcheck Status</TITLE></HEAD>\n<BODY>\n',
    detailedAt ? `<H1>Server status</H1>\n${head}<HR></HR>\n` : '\n',
    `<H2>Result of ${findings.length} checks:</H2>\n<TABLE bgcolor="#ffffff" border="1">\n<TBODY>\n<TR>\n\n`,
    columns.map((column) => `<TH>\n${column}\n</TH>\n`).join(''),
    '</TR>\n',
    rows.map((row) => `<TR>\n\n${row.map((cell) => `    <TD>${escapeHtml(cell)}</TD>\n`).join('')}\n</TR>`).join(''),
    '\n</TBODY>\n</TABLE>\n<HR></HR>\n\n</BODY>\n</HTML>',
  ].join('')
}
