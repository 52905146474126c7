/** What can be set of a cell; what is not given is as in a Nova without settings of its own, with two large hosts. */
import type { SimulatedTimes } from '../drivers/simulated.ts'
import { controller } from '../places.ts'

export interface HostSpec {
  /** The compute service's host, and the name of its hypervisor. */
  readonly name: string
  readonly size?: { readonly vcpus: number; readonly memoryMb: number; readonly diskGb: number }
}

/** Milliseconds; all of them are multiplied by `scale`. */
export interface Timings extends SimulatedTimes {
  /** Each stage of a build is seen at least so long. */
  readonly stage: number
  readonly scale: number
}

/** Addresses of the proxies that show consoles to people; null switches a kind off. */
export interface ConsoleProxies {
  readonly novnc: string | null
  readonly spiceHtml5: string | null
  readonly spiceDirect: string | null
  readonly serial: string | null
  readonly mks: string | null
}

export interface CellSettings {
  readonly hosts: readonly HostSpec[]
  /** Where the conductor and the scheduler are said to run. */
  readonly controller: string
  readonly hostIp: string
  readonly timings: Timings
  /** How often services say that they are alive, and after what silence they count as down. */
  readonly heartbeatSeconds: number
  readonly serviceDownSeconds: number
  /** How often what nobody works on is looked for, and how long it must have rested by then: longer than an API may take to send a message. */
  readonly sweepSeconds: number
  readonly graceSeconds: number
  /** How often the network of each server is looked at anew; 0 is never. [DEFAULT] heal_instance_info_cache_interval */
  readonly healSeconds: number
  /** How often Placement is told what the hosts have. [DEFAULT] update_resources_interval */
  readonly reportSeconds: number
  /** Hosts that are tried for one server. [scheduler] max_attempts */
  readonly maxAttempts: number
  readonly cpuRatio: number
  readonly ramRatio: number
  readonly diskRatio: number
  /** [DEFAULT] reserved_host_memory_mb */
  readonly reservedMemoryMb: number
  /** Seconds after which a shelved server leaves its host: 0 is at once, less is never. */
  readonly shelvedOffloadSeconds: number
  /** Seconds that a soft-deleted server is kept; 0 is for ever. */
  readonly reclaimSeconds: number
  /** Seconds after which a resize counts as confirmed; 0 is never. */
  readonly confirmSeconds: number
  readonly defaultZone: string
  /** Whether servers may have volumes of another zone. [cinder] cross_az_attach */
  readonly crossAzAttach: boolean
  readonly consoles: ConsoleProxies
  readonly consoleSeconds: number
  /** [neutron] ovs_bridge */
  readonly bridge: string
}

const timings: Timings = {
  scale: 1,
  stage: 20,
  spawn: 150,
  destroy: 50,
  power: 60,
  reboot: 100,
  snapshot: 150,
  move: 150,
  attach: 20,
}

const defaults: CellSettings = {
  hosts: [{ name: 'fake1' }, { name: 'fake2' }],
  controller,
  hostIp: '127.0.0.1',
  timings,
  heartbeatSeconds: 10,
  serviceDownSeconds: 60,
  sweepSeconds: 60,
  graceSeconds: 15,
  healSeconds: 60,
  reportSeconds: 60,
  maxAttempts: 3,
  cpuRatio: 4,
  ramRatio: 1,
  diskRatio: 1,
  reservedMemoryMb: 512,
  shelvedOffloadSeconds: 0,
  reclaimSeconds: 0,
  confirmSeconds: 0,
  defaultZone: 'nova',
  crossAzAttach: true,
  consoles: {
    novnc: 'http://127.0.0.1:6080/vnc_auto.html',
    spiceHtml5: 'http://127.0.0.1:6082/spice_auto.html',
    spiceDirect: 'http://127.0.0.1:13002/nova',
    serial: 'ws://127.0.0.1:6083/',
    mks: null,
  },
  consoleSeconds: 600,
  bridge: 'br-int',
}

export type CellOptions = Partial<Omit<CellSettings, 'timings'>> & { readonly timings?: Partial<Timings> }

/** Fills in what is not said. Throws for values that no cell can work with. */
export function cellSettings(options: CellOptions = {}): CellSettings {
  const settings = { ...defaults, ...options, timings: { ...timings, ...options.timings } }
  const names = settings.hosts.map(({ name }) => name)
  if (names.length === 0) throw new Error('a cell needs a host at least')
  if (new Set(names).size < names.length) throw new Error(`hosts of a cell need names of their own: ${names.join(', ')}`)
  if (names.some((name) => name === '')) throw new Error('a host of a cell needs a name')
  return settings
}

/** The times of a simulated hypervisor, scaled. */
export function scaled({ scale, stage: _, ...times }: Timings): SimulatedTimes {
  return Object.fromEntries(Object.entries(times).map(([what, ms]) => [what, ms * scale])) as unknown as SimulatedTimes
}
