/** Everything that a host is told: read from flags or from a `[uwsgi]` file, handed to each worker as it is. */
import { resolve } from 'node:path'
import type { AccessLogSettings } from './access-log.ts'
import { type Address, absoluteAddress, type Certificate, type Endpoint } from './address.ts'

export interface HostSettings {
  /** What `loadApplication` takes. */
  readonly module: string
  readonly listen: readonly Endpoint[]
  /** 0: the process that was started serves by itself. */
  readonly workers: number
  readonly prefix: string
  /** How long requests under way, and connections that clients keep, may go on after the process was told to end. */
  readonly drainSeconds: number
  /** How long a client may keep a connection without asking anything. */
  readonly keepAliveSeconds: number
  /** How long a client may take to send a request. */
  readonly receiveSeconds: number
  /** Most bytes of the head of a request. */
  readonly headBytes: number
  /** Added to every answer. */
  readonly headers: readonly (readonly [string, string])[]
  /** Permissions of the files of UNIX sockets. */
  readonly socketMode: number | null
  /** `user:group` of these files, names or numbers. */
  readonly socketOwner: string | null
  /** How long a request may wait for its answer before it is given up and its worker replaced; 0: as long as it takes. */
  readonly requestSeconds: number
  /** A worker that holds more memory gives way to a fresh one; 0: it may hold what it can get. */
  readonly maxMemoryMib: number
  /** A worker that has served for so long gives way to a fresh one; 0: never. */
  readonly maxAgeSeconds: number
  /** Where the application runs; null: where the host was started. Other paths of the settings are absolute then: `absolutePaths`. */
  readonly directory: string | null
  /** A worker gives way to a fresh one after so many requests; 0: never. */
  readonly maxRequests: number
  readonly accessLog: AccessLogSettings | null
  readonly serviceLog: 'oslo' | 'json'
  /** Where both logs go; null: standard error and standard output. */
  readonly logFile: string | null
  /** Permissions of that file. */
  readonly logMode: number | null
  readonly metrics: Address | null
  readonly healthPath: string | null
  readonly serverTiming: boolean
  /** What the application finds as its own arguments: `--config-file` and its like. */
  readonly arguments: readonly string[]
  /** Variables that are set before the application is loaded. */
  readonly environment: Readonly<Record<string, string>>
  /** Ends when standard input does: for whoever started it and may be killed. */
  readonly tether: boolean
  /** Names or numbers that the process becomes once it listens. */
  readonly user: string | null
  readonly group: string | null
  readonly pidFile: string | null
}

export const defaults: HostSettings = {
  module: '',
  listen: [],
  workers: 0,
  prefix: '',
  drainSeconds: 60,
  keepAliveSeconds: 75,
  receiveSeconds: 300,
  // what deployments of OpenStack give uWSGI: tokens and lists of tags make long heads
  headBytes: 65_535,
  headers: [],
  socketMode: null,
  socketOwner: null,
  requestSeconds: 0,
  maxMemoryMib: 0,
  maxAgeSeconds: 0,
  directory: null,
  maxRequests: 0,
  accessLog: null,
  serviceLog: 'oslo',
  logFile: null,
  logMode: null,
  metrics: null,
  healthPath: null,
  serverTiming: false,
  arguments: [],
  environment: {},
  tether: false,
  user: null,
  group: null,
  pidFile: null,
}

/**
 * Settings whose paths hold after the step into `directory`: they are meant from where the host was started, as uWSGI opens its files before it goes to
 * chdir. Throws `BadAddress` when the path of a socket gets too long.
 */
export function absolutePaths(settings: HostSettings): HostSettings {
  const { directory, listen, metrics, logFile, pidFile } = settings
  if (directory === null) return settings
  return {
    ...settings,
    listen: listen.map(absoluteEndpoint),
    metrics: metrics && absoluteAddress(metrics),
    logFile: logFile && resolve(logFile),
    pidFile: pidFile && resolve(pidFile),
  }
}

const absoluteEndpoint = ({ certificate, address, ...rest }: Endpoint): Endpoint => ({
  ...rest,
  address: absoluteAddress(address),
  ...(certificate && { certificate: absoluteFiles(certificate) }),
})

const absoluteFiles = ({ certificate, key, clientAuthority }: Certificate): Certificate => ({
  certificate: resolve(certificate),
  key: resolve(key),
  ...(clientAuthority !== undefined && { clientAuthority: resolve(clientAuthority) }),
})
