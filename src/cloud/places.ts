/** Which services the embedded cloud has, and where each of them is found. */
import type { ServiceAddress } from './identity/index.ts'

/** In the order in which people are told of them, with the usual port of each. */
export const usualPorts = {
  identity: 5000,
  image: 9292,
  network: 9696,
  compute: 8774,
  metadata: 8775,
  volume: 8776,
  placement: 8778,
} as const

export type ServiceName = keyof typeof usualPorts
export type Ports = Readonly<Record<ServiceName, number>>

export const serviceNames = Object.keys(usualPorts) as ServiceName[]

/** How much of a cloud is simulated. */
export interface Size {
  /** Cells with servers; cell0 aside. */
  readonly cells: number
  /** Compute hosts in each cell. */
  readonly hosts: number
}

export const usualSize: Size = { cells: 1, hosts: 2 }

/** A compute host's name: `fake1`, and in cells after the first `cell2-fake1`. */
export const hostName = (cell: number, host: number): string => (cell === 1 ? `fake${host}` : `${cellName(cell)}-fake${host}`)
export const cellName = (cell: number): string => `cell${cell}`

/** 1, 2, … count. */
export const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

/** What every process of a cloud is told. No secret is in it. */
export interface Place extends Size {
  /** The state directory, absolute. */
  readonly state: string
  /** The address that is listened on. */
  readonly bind: string
  readonly ports: Ports
}

/** The host of all that is no compute, named as in the deployment that answers are compared with. */
export const controller = 'peer'

export const region = 'RegionOne'

/** The catalogue. Addresses follow the client: see `addressFor`. */
export const catalog = (ports: Ports): ServiceAddress[] => [
  { type: 'identity', name: 'keystone', url: '{base}/v3' },
  { type: 'image', name: 'glance', url: `{scheme}://{hostname}:${ports.image}` },
  { type: 'network', name: 'neutron', url: `{scheme}://{hostname}:${ports.network}` },
  { type: 'compute', name: 'nova', url: `{scheme}://{hostname}:${ports.compute}/v2.1` },
  { type: 'block-storage', name: 'cinder', url: `{scheme}://{hostname}:${ports.volume}/v3` },
  // the name that older clients and Nova's [cinder] catalog_info look for
  { type: 'volumev3', name: 'cinderv3', url: `{scheme}://{hostname}:${ports.volume}/v3/%(project_id)s` },
  { type: 'placement', name: 'placement', url: `{scheme}://{hostname}:${ports.placement}` },
]

/** The path that a client is given beside the address of a service. */
const paths: Partial<Record<ServiceName, string>> = { identity: '/v3', compute: '/v2.1', volume: '/v3' }

/** A service's address as seen from this machine: `http://127.0.0.1:5000/v3`. */
export const urlOf = ({ bind, ports }: Pick<Place, 'bind' | 'ports'>, service: ServiceName): string =>
  `http://${nearAddress(bind)}:${ports[service]}${paths[service] ?? ''}`

/** Who listens everywhere is met on the loopback address. */
function nearAddress(bind: string): string {
  if (bind === '0.0.0.0' || bind === '::' || bind === 'localhost') return '127.0.0.1'
  return bind.includes(':') ? `[${bind}]` : bind
}
