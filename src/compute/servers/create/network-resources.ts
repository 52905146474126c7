/** What the scheduler must know of a server's networks: where they are, and what their ports need of a host (nova/network/neutron.py create_resource_requests). */
import type { NeutronClient, NeutronNetwork, NeutronPort } from '../../../peers/neutron.ts'
import { NetworkRequest, NetworkRequestList } from '../../../stores/objects/network-request.ts'
import { NetworkMetadata } from '../../../stores/objects/numa.ts'
import { InstancePCIRequest } from '../../../stores/objects/pci.ts'
import { RequestGroup, RequestLevelParams } from '../../../stores/objects/request-spec.ts'
import type { Backends, Ids } from '../../backends.ts'
import { Fault } from '../../faults.ts'
import { isYes } from '../../hardware/wanted.ts'
import type { WantedNetworks, WantedNic } from './wanted.ts'

export interface NetworkResources {
  /** Null when nothing was said of networks. */
  readonly requested: NetworkRequestList | null
  /** Null where no network is asked for by name. */
  readonly metadata: NetworkMetadata | null
  /** What ports ask of Placement. */
  readonly groups: readonly RequestGroup[]
  readonly levelParams: RequestLevelParams
  /** Devices that ports pass through. */
  readonly pci: readonly InstancePCIRequest[]
  /** Ports that the host's network card manages itself. */
  readonly remoteManaged: boolean
}

// nova/network/model.py VNIC_TYPES_SRIOV and VNIC_TYPES_ACCELERATOR
const passedThrough = ['direct', 'macvtap', 'direct-physical', 'virtio-forwarder', 'vdpa', 'remote-managed']
const accelerated = ['accelerator-direct', 'accelerator-direct-physical']
const tunnels = ['vxlan', 'gre', 'geneve']

/** What Neutron knows of the networks that are asked for, one by one. */
export interface NetworkFacts {
  readonly nics: readonly (Described & { readonly nic: WantedNic })[]
  /** Whether ports may ask for several groups of resources. */
  readonly extended: boolean
}

/** Asks as ourselves, since others are not told all of this, and in two rounds however many networks there are. */
export async function networkFacts(backends: Backends, networks: WantedNetworks | null): Promise<NetworkFacts> {
  const wanted =
    networks === 'auto' ? [{ portId: null, networkId: 'auto', address: null, tag: null }] : networks === 'none' ? [] : (networks ?? [])
  const found = await describe(backends, wanted)
  const extended =
    found.some(({ port }) => port && asksForResources(port)) && (await backends.peers.neutron.has('port-resource-request-groups'))
  return { nics: wanted.map((nic, i) => ({ nic, ...found[i]! })), extended }
}

/** `affinity`: how close to a server's processors its devices must be, where ports do not say. */
export function networkResources(
  { ids }: Pick<Backends, 'ids'>,
  networks: WantedNetworks | null,
  { nics, extended }: NetworkFacts,
  affinity: string | undefined,
): NetworkResources {
  const empty = { metadata: null, groups: [], levelParams: RequestLevelParams.make({}), pci: [], remoteManaged: false }
  if (networks === null) return { requested: null, ...empty }
  if (networks === 'none' || networks.length === 0) return { requested: requestList(networks === 'none' ? [named('none')] : []), ...empty }
  const described = nics.map((each) => ({ ...each, pci: pciRequestOf(ids, each, affinity) }))
  const ports = described.flatMap(({ port }) => port ?? [])
  const placements = described.flatMap(({ physnet }) => (typeof physnet === 'string' ? physnet : []))
  return {
    requested: requestList(described.map(({ nic, pci }) => ({ ...blank, ...ofNic(nic), pci_request_id: pci?.request_id ?? null }))),
    metadata: NetworkMetadata.make({ physnets: [...new Set(placements)], tunneled: described.some(({ tunneled }) => tunneled) }),
    groups: ports.flatMap((port) => groupsOf(port, extended)),
    levelParams: levelParamsOf(extended ? ports : []),
    pci: described.flatMap(({ pci }) => pci ?? []),
    remoteManaged: ports.some((port) => vnicType(port) === 'remote-managed'),
  }
}

const blank = { network_id: null, address: null, port_id: null, pci_request_id: null, tag: null, arq_uuid: null, device_profile: null }
const ofNic = ({ portId, networkId, address, tag }: WantedNic) => ({ network_id: networkId, address, port_id: portId, tag })
const named = (word: string): typeof blank => ({ ...blank, network_id: word as never })

const requestList = (values: readonly Parameters<typeof NetworkRequest.make>[0][]): NetworkRequestList =>
  NetworkRequestList.make({ objects: values.map((each) => NetworkRequest.make(each)) })

interface Described {
  readonly port: NeutronPort | undefined
  readonly physnet: string | null
  readonly tunneled: boolean
}

async function describe({ peers }: Backends, nics: readonly WantedNic[]): Promise<Described[]> {
  const neutron = peers.neutron.own
  const ports = await portsOf(
    neutron,
    nics.flatMap(({ portId }) => portId ?? []),
  )
  const networkOf = ({ portId, networkId }: WantedNic) =>
    portId !== null ? ports.get(portId)!.network_id : networkId === 'auto' ? undefined : (networkId ?? undefined)
  for (const { portId } of nics) if (portId !== null) checkAccelerator(portId, ports)
  const networks = await networksOf(peers.neutron, neutron, [...new Set(nics.flatMap((nic) => networkOf(nic) ?? []))])
  return nics.map((nic) => {
    const id = networkOf(nic)
    const where = id === undefined ? { physnet: null, tunneled: false } : placeOf(id, networks.get(id))
    return { port: nic.portId === null ? undefined : ports.get(nic.portId), ...where }
  })
}

async function portsOf(neutron: NeutronClient, ids: readonly string[]): Promise<Map<string, NeutronPort>> {
  if (ids.length === 0) return new Map()
  const fields = ['id', 'binding:vnic_type', 'binding:profile', 'network_id', 'resource_request', 'numa_affinity_policy', 'device_profile']
  const found = new Map((await neutron.list('ports', { id: ids, fields })).map((port) => [port.id, port]))
  const lost = ids.find((id) => !found.has(id))
  if (lost !== undefined) throw new Fault('portNotFound', lost)
  return found
}

const vnicType = (port: NeutronPort): string => port['binding:vnic_type'] ?? 'normal'

/** Accelerators are Cyborg's, which we do not ask: a clear no instead of a server without its device. */
function checkAccelerator(id: string, ports: ReadonlyMap<string, NeutronPort>): void {
  const port = ports.get(id)!
  if (!accelerated.includes(vnicType(port))) return
  const profile = port.device_profile ?? null
  if (profile === null) throw new Fault('deviceProfileError', 'None', `No device profile for port ${id}.`)
  throw new Fault('deviceProfileError', profile, 'accelerators are not supported.')
}

async function networksOf(
  peer: { has(alias: string): Promise<boolean> },
  neutron: NeutronClient,
  ids: readonly string[],
): Promise<Map<string, NeutronNetwork>> {
  if (ids.length === 0) return new Map()
  const segments = (await peer.has('multi-provider')) ? ['segments'] : []
  const fields = ['id', 'provider:physical_network', 'provider:network_type', ...segments]
  return new Map((await neutron.list('networks', { id: ids, fields })).map((network) => [network.id, network]))
}

/** nova/network/neutron.py _get_physnet_tunneled_info: of several segments, the first with a physical network counts. */
function placeOf(id: string, network: NeutronNetwork | undefined): { physnet: string | null; tunneled: boolean } {
  if (!network) throw new Fault('networkNotFound', id)
  const segments = (network.segments ?? []) as readonly Readonly<Record<string, unknown>>[]
  if (segments.length === 0)
    return {
      physnet: (network['provider:physical_network'] as string | null | undefined) || null,
      tunneled: tunnels.includes(String(network['provider:network_type'])),
    }
  const physnet = segments.map((segment) => segment['provider:physical_network']).find(Boolean)
  if (!physnet) throw new Fault('badRequest', `None of the segments of network ${id} provides a physical_network`)
  return { physnet: String(physnet), tunneled: false }
}

function pciRequestOf(
  ids: Ids,
  { nic, port, physnet }: NetworkFacts['nics'][number],
  affinity: string | undefined,
): InstancePCIRequest | undefined {
  if (!port || !passedThrough.includes(vnicType(port))) return undefined
  const vnic = vnicType(port)
  const trusted = port['binding:profile']?.trusted
  const spec: Record<string, string | null> = { physical_network: physnet, remote_managed: vnic === 'remote-managed' ? 'True' : 'False' }
  if (vnic === 'direct-physical') spec.dev_type = 'type-PF'
  if (vnic === 'vdpa') spec.dev_type = 'vdpa'
  if (trusted !== undefined && trusted !== null) spec.trusted = isYes(String(trusted)) ? 'True' : 'False'
  const policy = (port.numa_affinity_policy as string | null | undefined) || affinity
  return InstancePCIRequest.make({
    count: 1,
    spec: [spec],
    request_id: ids.uuid(),
    requester_id: nic.portId,
    ...(policy && { numa_policy: policy as 'legacy' }),
  })
}

interface ResourceRequest {
  readonly resources?: Readonly<Record<string, number>>
  readonly required?: readonly string[]
  readonly request_groups?: readonly { readonly id: string; readonly required?: string[]; readonly resources: Record<string, number> }[]
  readonly same_subtree?: readonly string[]
}

const requestOf = (port: NeutronPort): ResourceRequest => (port.resource_request ?? {}) as ResourceRequest

export const asksForResources = (port: NeutronPort): boolean => Object.keys(requestOf(port)).length > 0

/** nova/objects/request_spec.py RequestGroup.from_port_request, from_extended_port_request */
export function groupsOf(port: NeutronPort, extended: boolean): RequestGroup[] {
  if (!asksForResources(port)) return []
  const { resources = {}, required = [], request_groups = [] } = requestOf(port)
  const groups = extended ? request_groups : [{ id: port.id, resources, required }]
  return groups.map((group) =>
    RequestGroup.withDefaults(
      RequestGroup.make({
        use_same_provider: true,
        resources: { ...group.resources },
        required_traits: [...(group.required ?? [])],
        requester_id: group.id,
      }),
    ),
  )
}

export function levelParamsOf(ports: readonly NeutronPort[]): RequestLevelParams {
  const asking = ports.filter(asksForResources)
  if (asking.length === 0) return RequestLevelParams.make({})
  const subtrees = asking.flatMap((port) => (requestOf(port).same_subtree ? [[...requestOf(port).same_subtree!]] : []))
  return RequestLevelParams.make({ root_required: [], root_forbidden: [], same_subtree: subtrees })
}
