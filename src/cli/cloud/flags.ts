/** The settings of the embedded cloud: flags of `nova-ts cloud`, a variable for each, and what the last start remembered. */
import { resolve } from 'node:path'
import { type Place, type Ports, type ServiceName, type Size, serviceNames, usualPorts, usualSize } from '../../cloud/places.ts'
import { rememberedPlace } from '../../cloud/state.ts'
import { parseFlags } from '../parse.ts'
import { UsageError } from '../usage.ts'

export type Environment = Readonly<Record<string, string | undefined>>

interface Flag {
  readonly type: 'string' | 'boolean'
  /** Stands for its value in the help. */
  readonly value?: string
  readonly variable?: string
  readonly help: string
}

/** `--port-compute` without the dashes. */
export function flagOfPort(service: ServiceName): string {
  return `port-${service}`
}

export const variableOfPort = (service: ServiceName): string => `NOVA_TS_PORT_${service.toUpperCase()}`

const portFlags = Object.fromEntries(
  serviceNames.map((name): [string, Flag] => [
    flagOfPort(name),
    { type: 'string', value: 'N', variable: variableOfPort(name), help: `Port of the ${name} service (${usualPorts[name]}).` },
  ]),
)

export const stateFlag = {
  state: {
    type: 'string',
    value: 'DIR',
    variable: 'NOVA_TS_STATE',
    help: 'Directory that holds the cloud (.nova-ts in the current directory).',
  },
} as const satisfies Record<string, Flag>

export const placeFlags: Readonly<Record<string, Flag>> = {
  ...stateFlag,
  bind: { type: 'string', value: 'ADDRESS', variable: 'NOVA_TS_BIND', help: 'Address to listen on (127.0.0.1).' },
  'ports-from': {
    type: 'string',
    value: 'N',
    variable: 'NOVA_TS_PORTS_FROM',
    help: `Use N for ${serviceNames[0]}, N+1 for ${serviceNames[1]}, and so on in the order below.`,
  },
  ...portFlags,
}

/** The most that can be asked for. */
const most: Size = { cells: 9, hosts: 99 }

export const upFlags: Readonly<Record<string, Flag>> = {
  hosts: { type: 'string', value: 'N', variable: 'NOVA_TS_HOSTS', help: `Simulated compute hosts in each cell (${usualSize.hosts}).` },
  cells: { type: 'string', value: 'N', variable: 'NOVA_TS_CELLS', help: `Cells; there can be more later, not fewer (${usualSize.cells}).` },
  foreground: { type: 'boolean', help: 'Stay, log to standard error, stop everything on SIGTERM: for containers and systemd.' },
  password: {
    type: 'string',
    value: 'WORD',
    variable: 'NOVA_TS_PASSWORD',
    help: 'Password of admin, demo and the others, at the first start; made up when absent.',
  },
  wait: { type: 'string', value: 'SECONDS', variable: 'NOVA_TS_WAIT', help: 'How long to wait until it is ready (60).' },
}

type Values = Readonly<Record<string, string | boolean | undefined>>

/** What was said on the command line, and what in the environment. */
export interface Said {
  readonly flags: Values
  readonly environment: Values
}

/** Reads flags and their variables. Throws a `UsageError` for a flag that is not there, and for words that are none. */
export function readFlags(argv: readonly string[], flags: Readonly<Record<string, Flag>>, env: Environment): Said {
  const options = Object.fromEntries(Object.entries(flags).map(([name, { type }]) => [name, { type }]))
  const variables = Object.entries(flags).map(([name, { variable }]) => [name, (variable && env[variable]) || undefined])
  const { values } = parseFlags(argv, options)
  return { flags: values as Values, environment: Object.fromEntries(variables) }
}

/** A flag beats its variable. */
export const flagValue = ({ flags, environment }: Said, name: string): string | undefined =>
  (flags[name] ?? environment[name]) as string | undefined

/** Where the cloud is kept. */
export const stateOf = (said: Said): string => resolve(flagValue(said, 'state') ?? '.nova-ts')

/** Said by every command that needs a cloud where there is none. */
export const noCloudIn = (state: string): string => `there is no cloud in ${state}: name its directory with --state or NOVA_TS_STATE`

/** Everything that decides where a cloud is. What is not said stays as at the last start. Throws a `UsageError` or a `StateError`. */
export function placeOf(said: Said): Place {
  const state = stateOf(said)
  const before = rememberedPlace(state)
  const bind = flagValue(said, 'bind') ?? before?.bind ?? '127.0.0.1'
  return { state, bind, ports: portsOf(said, before?.ports ?? usualPorts), ...sizeOf(said, before) }
}

function sizeOf(said: Said, before: Size | undefined): Size {
  const counted = (name: keyof Size): number => {
    const text = flagValue(said, name)
    return text === undefined ? (before ?? usualSize)[name] : countIn(name, text)
  }
  const size = { cells: counted('cells'), hosts: counted('hosts') }
  if (before && size.cells < before.cells)
    throw new UsageError(`the cloud has ${before.cells} cells already, and servers may be in each of them`)
  return size
}

function countIn(flag: keyof Size, text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (count < 1 || count > most[flag]) throw new UsageError(`--${flag} takes a number from 1 to ${most[flag]}, not ${text}`)
  return count
}

/** Flags count before variables; of each, a service's own port counts before `ports-from`. */
function portsOf({ flags, environment }: Said, before: Ports): Ports {
  const ports = Object.fromEntries(
    serviceNames.map((name, index) => [name, portIn(flags, name, index) ?? portIn(environment, name, index) ?? before[name]]),
  ) as Ports
  for (const [index, name] of serviceNames.entries()) {
    const twin = serviceNames.slice(0, index).find((other) => ports[other] === ports[name])
    if (twin) throw new UsageError(`${twin} and ${name} cannot both have port ${ports[name]}: move one with --${flagOfPort(name)}`)
  }
  return ports
}

function portIn(values: Values, service: ServiceName, index: number): number | undefined {
  const own = values[flagOfPort(service)] as string | undefined
  if (own !== undefined) return portNumber(flagOfPort(service), own)
  const from = values['ports-from'] as string | undefined
  return from === undefined ? undefined : portNumber('ports-from', from, serviceNames.length) + index
}

function portNumber(flag: string, text: string, room = 1): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  const last = 65535 - room + 1
  if (port < 1 || port > last) throw new UsageError(`--${flag} takes a number from 1 to ${last}, not ${text}`)
  return port
}

/** Flags and variables as lines of a help text. */
export function describeFlags(flags: Readonly<Record<string, Flag>>): string {
  const rows = Object.entries(flags).map(([name, { value, variable, help }]) => [
    `--${name}${value ? ` ${value}` : ''}`,
    variable ?? '',
    help,
  ])
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map(([flag, variable, help]) => `  ${flag!.padEnd(widths[0]!)}  ${variable!.padEnd(widths[1]!)}  ${help}`).join('\n')
}
