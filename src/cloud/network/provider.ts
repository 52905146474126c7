/** Provider attributes: the segment below a network, given by an administrator or taken from the VXLAN range. neutron/plugins/ml2/managers.py TypeManager */
import type { Attributes } from './attributes.ts'
import { text, toInteger } from './checks.ts'
import type { Network, Segment } from './documents.ts'
import { fault, invalidInput } from './faults.ts'
import type { Neutron } from './state.ts'

const types = ['flat', 'vlan', 'vxlan', 'gre', 'geneve', 'local'] as const
const tunnels: readonly string[] = ['vxlan', 'gre', 'geneve']
/** As `vni_ranges = 1:10000` would say. */
const firstVni = 1
const lastVni = 10_000

export interface ProviderValues {
  readonly 'provider:network_type'?: string | null
  readonly 'provider:physical_network'?: string | null
  readonly 'provider:segmentation_id'?: number | null
}

export const providerAttributes: Attributes<Network> = {
  'provider:network_type': {
    post: true,
    put: true,
    default: undefined,
    check: (value) => (value === null ? undefined : text(32)(value)),
    guarded: true,
    filter: true,
    show: ({ segment }) => segment.network_type,
  },
  'provider:physical_network': {
    post: true,
    put: true,
    default: undefined,
    check: (value) => (value === null ? undefined : text(64)(value)),
    guarded: true,
    filter: true,
    show: ({ segment }) => segment.physical_network,
  },
  'provider:segmentation_id': {
    post: true,
    put: true,
    default: undefined,
    convert: (value) => (value === null ? null : toInteger(value)),
    guarded: true,
    filter: true,
    show: ({ segment }) => segment.segmentation_id,
  },
}

/** The most bytes a packet may have: 50 of 1500 go to the tunnel's own header. */
export const largestMtu = ({ network_type }: Segment): number => (tunnels.includes(network_type) ? 1450 : 1500)

/** The segment of a new network: what the values say, or a free VXLAN one. */
export function newSegment(neutron: Neutron, values: ProviderValues): Segment {
  const type = values['provider:network_type'] ?? null
  const physical = values['provider:physical_network'] ?? null
  const id = values['provider:segmentation_id'] ?? null
  if (type === null && physical === null && id === null) return freeTunnel(neutron, 'vxlan')
  if (type === null) throw invalidInput('network_type required')
  if (!(types as readonly string[]).includes(type)) throw invalidInput(`network_type value '${type}' not supported`)
  const segment = { network_type: type, physical_network: physical, segmentation_id: id }
  checkSegment(segment)
  return reserve(neutron, segment)
}

function checkSegment({ network_type: type, physical_network: physical, segmentation_id: id }: Segment): void {
  if (type === 'flat') {
    if (!physical) throw invalidInput('physical_network required for flat provider network')
    if (id !== null) throw invalidInput('provider:segmentation_id specified for flat network')
  } else if (type === 'vlan') {
    if (!physical) throw invalidInput('physical_network required for VLAN provider network')
    if (id !== null && (id < 1 || id > 4094)) throw invalidInput('segmentation_id out of range (1 through 4094)')
  } else {
    if (physical !== null) throw invalidInput(`provider:physical_network specified for ${type} network`)
    if (type === 'local' && id !== null) throw invalidInput('provider:segmentation_id specified for local network')
    if (id !== null && (id < 1 || id > 0xffffff)) throw invalidInput(`segmentation_id out of range (1 through ${0xffffff})`)
  }
}

function reserve(neutron: Neutron, segment: Segment): Segment {
  const { network_type: type, physical_network: physical, segmentation_id: id } = segment
  if (type === 'local') return segment
  if (type === 'flat') {
    if (isTaken(neutron, segment)) throw fault('FlatNetworkInUse', String(physical))
    return segment
  }
  if (id === null) return type === 'vlan' ? freeVlan(neutron, String(physical)) : freeTunnel(neutron, type)
  if (isTaken(neutron, segment)) throw type === 'vlan' ? fault('VlanIdInUse', id, String(physical)) : fault('TunnelIdInUse', id)
  return segment
}

const isTaken = (neutron: Neutron, wanted: Segment): boolean =>
  neutron.store.networks.find(
    ({ segment }) =>
      segment.network_type === wanted.network_type &&
      segment.physical_network === wanted.physical_network &&
      segment.segmentation_id === wanted.segmentation_id,
  ) !== undefined

const freeTunnel = (neutron: Neutron, type: string): Segment => firstFree(neutron, type, null, firstVni, lastVni)
const freeVlan = (neutron: Neutron, physical: string): Segment => firstFree(neutron, 'vlan', physical, 1, 4094)

function firstFree(neutron: Neutron, type: string, physical: string | null, first: number, last: number): Segment {
  const taken = new Set(
    neutron.store.networks
      .filter(({ segment }) => segment.network_type === type && segment.physical_network === physical)
      .map(({ segment }) => segment.segmentation_id),
  )
  for (let id = first; id <= last; id++) if (!taken.has(id)) return { network_type: type, physical_network: physical, segmentation_id: id }
  throw fault('NoNetworkAvailable')
}

/** The segment after an update: only the id of a VLAN may change. */
export function changedSegment(neutron: Neutron, { segment }: Network, values: ProviderValues): Segment {
  const given = Object.keys(values).filter((key) => key.startsWith('provider:')) as (keyof ProviderValues)[]
  if (given.length === 0) return segment
  if (segment.network_type !== 'vlan') throw invalidInput('Only VLAN type networks can be updated.')
  const id = values['provider:segmentation_id']
  if (!id || given.length > 1) throw invalidInput('Only segmentation_id field can be updated in VLAN type networks')
  const wanted = { ...segment, segmentation_id: id }
  checkSegment(wanted)
  return id === segment.segmentation_id ? segment : reserve(neutron, wanted)
}
