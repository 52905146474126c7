/** Glance, Neutron, Cinder, Placement and Keystone as a test wants them: a few things in memory, and a note of every question. */
import type { RequestContext } from '../../src/oslo/context.ts'
import { PeerError } from '../../src/oslo/keystoneauth/errors.ts'
import type { CinderClient, CinderSnapshot, CinderVolume, CinderVolumeType } from '../../src/peers/cinder.ts'
import type { GlanceClient, GlanceImage } from '../../src/peers/glance.ts'
import type { NeutronClient, NeutronNetwork, NeutronPort, NeutronQuery, NeutronSecurityGroup } from '../../src/peers/neutron.ts'
import type { Peers } from '../../src/peers/peers.ts'
import type { Placement } from '../../src/peers/placement.ts'

export interface FakeThings {
  readonly images: Map<string, GlanceImage>
  readonly networks: Map<string, NeutronNetwork>
  readonly ports: Map<string, NeutronPort>
  readonly securityGroups: Map<string, NeutronSecurityGroup>
  readonly volumes: Map<string, CinderVolume>
  readonly snapshots: Map<string, CinderSnapshot>
  readonly volumeTypes: CinderVolumeType[]
  /** Attachments by id: the volume and the server. */
  readonly attachments: Map<string, { readonly volume: string; readonly server: string }>
  /** Limits of ports by project; -1 where there is none. */
  readonly portQuota: Map<string, number>
  /** Neutron's extensions. */
  readonly extensions: Set<string>
  /** Projects for which a network can be made. */
  readonly autoAllocated: Set<string>
  /** Resource providers by name. */
  readonly providers: Map<string, string>
  /** Traits of resource providers. */
  readonly traits: Map<string, readonly string[]>
  /** Limits of Cinder. */
  readonly volumeLimits: Record<string, number>
  /** Usages in Placement by project, or by project and user with a slash between. */
  readonly usages: Map<string, Readonly<Record<string, number>>>
  /** Projects that Keystone does not know. */
  readonly unknownProjects: Set<string>
}

export interface FakePeers extends FakeThings {
  readonly peers: Omit<Peers, 'close' | 'manila' | 'ironic' | 'limits'>
  /** `neutron ports`, `glance image` …, in the order in which they were asked. */
  readonly calls: string[]
  /** Makes the next questions of this kind fail; a status, or undefined for a service that cannot be reached. */
  fail(call: string, status: number | undefined, message?: string): void
  /** Nothing fails any more. */
  heal(): void
}

export const refused = (status: number | undefined, message = 'no'): PeerError =>
  new PeerError(`the service answered ${status}`, {
    kind: status === undefined ? 'unreachable' : 'status',
    service: 'fake',
    ...(status !== undefined && { status }),
    body: Buffer.from(JSON.stringify({ [status === 403 ? 'NeutronError' : 'badRequest']: { message, code: status } })),
    headers: { 'x-openstack-request-id': 'req-fake' },
  })

export function fakePeers(things: Partial<FakeThings> = {}): FakePeers {
  const all: FakeThings = {
    images: new Map(),
    networks: new Map(),
    ports: new Map(),
    securityGroups: new Map(),
    volumes: new Map(),
    snapshots: new Map(),
    volumeTypes: [],
    attachments: new Map(),
    portQuota: new Map(),
    extensions: new Set(),
    autoAllocated: new Set(),
    providers: new Map(),
    traits: new Map(),
    volumeLimits: { maxTotalSnapshots: 10, totalSnapshotsUsed: 0 },
    usages: new Map(),
    unknownProjects: new Set(),
    ...things,
  }
  const calls: string[] = []
  const failures = new Map<string, PeerError>()
  /** Answers later, as a service does. */
  async function asked<T>(call: string, answer: () => T): Promise<T> {
    calls.push(call)
    await new Promise((resolve) => setImmediate(resolve))
    const failure = failures.get(call)
    if (failure) throw failure
    return answer()
  }
  const peers = {
    keystone: { project: (_, id) => asked('keystone project', () => (all.unknownProjects.has(id) ? 'absent' : 'present')) },
    glance: { as: () => glanceClient(all, asked), endpoint: async () => 'http://glance.example:9292' },
    neutron: {
      as: (context) => neutronClient(all, asked, context),
      own: neutronClient(all, asked, null),
      has: (alias) => asked('neutron extensions', () => all.extensions.has(alias)),
    },
    cinder: { as: (context) => cinderClient(all, asked, context), own: cinderClient(all, asked, null) },
    placement: {
      providerNamed: (name) => asked('placement provider', () => providerNamed(all, name)),
      traits: (provider) => asked('placement traits', () => [...(all.traits.get(provider) ?? [])]),
      removeAllocations: (consumer) => asked(`placement forget ${consumer}`, () => undefined),
      usages: (project, user) => asked('placement usages', () => all.usages.get(user === undefined ? project : `${project}/${user}`) ?? {}),
    } as Partial<Placement> as Placement,
  } satisfies Omit<Peers, 'close' | 'manila' | 'ironic' | 'limits'>
  return {
    ...all,
    peers,
    calls,
    fail: (call, status, message) => void failures.set(call, refused(status, message)),
    heal: () => failures.clear(),
  }
}

/** Peers that have nothing, and refuse whatever else they are asked. */
export function lenientPeers(things: Partial<FakeThings> = {}): Peers {
  const { peers } = fakePeers(things)
  return lenient({ manila: {}, ironic: {}, close: async () => undefined, ...peers }) as unknown as Peers
}

function lenient<T extends object>(target: T): T {
  const wrapped = (value: unknown) => (typeof value === 'object' && value !== null && !(value instanceof Promise) ? lenient(value) : value)
  return new Proxy(target, {
    get(_, name) {
      const value = (target as Record<string | symbol, unknown>)[name]
      if (typeof value === 'function') return (...args: unknown[]) => wrapped(value.apply(target, args))
      if (value !== undefined || name === 'then' || typeof name === 'symbol') return wrapped(value)
      return refusing
    },
  })
}

/** A method, or a thing that has methods: each fails. */
const refusing: object = new Proxy(
  async () => {
    throw refused(501)
  },
  { get: (_, name) => (name === 'then' ? undefined : refusing) },
)

type Asked = <T>(call: string, answer: () => T) => Promise<T>

function providerNamed({ providers }: FakeThings, name: string) {
  const uuid = providers.get(name)
  return uuid === undefined ? undefined : { uuid, name, generation: 0 }
}

function glanceClient({ images }: FakeThings, asked: Asked): GlanceClient {
  const client: Partial<GlanceClient> = {
    show: (id) => asked('glance image', () => images.get(id)),
    create: (values) =>
      asked('glance create', () => {
        const [id, made] = image(`10000000-0000-4000-8000-${String(images.size).padStart(12, '0')}`, { status: 'queued', ...values })
        images.set(id, made)
        return made
      }),
    upload: (id, data) =>
      asked('glance upload', () => void images.set(id, { ...images.get(id)!, status: 'active', size: (data as Uint8Array).length })),
    addMember: (id, project) => asked(`glance share ${id} ${project}`, () => undefined),
    remove: (id) => asked('glance remove', () => images.delete(id)),
    session: {
      request: () => asked('glance schema', () => ({ json: () => ({ properties: { disk_format: { enum: ['raw', 'qcow2'] } } }) }) as never),
    } as Partial<GlanceClient['session']> as GlanceClient['session'],
  }
  return client as GlanceClient
}

/** Whoever asks as nobody in particular is the service itself and sees everything. */
const visible = (context: RequestContext | null, item: { readonly tenant_id?: unknown; readonly shared?: unknown }): boolean =>
  context === null ||
  context.roles.includes('admin') ||
  item.shared === true ||
  item.tenant_id === context.projectId ||
  item.tenant_id === undefined

function neutronClient(all: FakeThings, asked: Asked, context: RequestContext | null): NeutronClient {
  const collections = { networks: all.networks, ports: all.ports, 'security-groups': all.securityGroups } as Record<
    string,
    Map<string, Record<string, unknown>>
  >
  const client = {
    list: (collection: string, query: NeutronQuery = {}) =>
      asked(`neutron ${collection}`, () =>
        [...(collections[collection]?.values() ?? [])].filter((item) => visible(context, item) && matches(item, query)),
      ),
    show: (collection: string, id: string) =>
      asked(`neutron ${collection}`, () => {
        const item = collections[collection]?.get(id)
        return item && visible(context, item) ? item : undefined
      }),
    update: (collection: string, id: string, body: object) =>
      asked(`neutron update ${collection}`, () => {
        const item = { ...collections[collection]!.get(id), ...body }
        collections[collection]!.set(id, item)
        return item
      }),
    remove: (collection: string, id: string) => asked(`neutron remove ${collection}`, () => collections[collection]!.delete(id)),
    quota: (projectId: string) => asked('neutron quota', () => ({ port: all.portQuota.get(projectId) ?? -1 })),
    canAutoAllocate: (projectId: string) => asked('neutron auto', () => all.autoAllocated.has(projectId)),
  }
  return client as unknown as NeutronClient
}

function matches(item: Record<string, unknown>, query: NeutronQuery): boolean {
  return Object.entries(query).every(([key, wanted]) => {
    if (key === 'fields') return true
    if (key === 'fixed_ips') {
      const address = String(wanted).replace('ip_address=', '')
      return (item.fixed_ips as { ip_address: string }[]).some(({ ip_address }) => ip_address === address)
    }
    const values = Array.isArray(wanted) ? wanted : [wanted]
    return values.some((value) => String(value) === String(item[key] ?? false))
  })
}

function cinderClient(all: FakeThings, asked: Asked, context: RequestContext | null): CinderClient {
  const own = <T extends object>(item: T | undefined): T | undefined => (item && visible(context, item) ? item : undefined)
  let made = 0
  const client: Partial<CinderClient> = {
    volume: (id) => asked('cinder volume', () => own(all.volumes.get(id))),
    snapshot: (id) => asked('cinder snapshot', () => own(all.snapshots.get(id))),
    volumeTypes: () => asked('cinder types', () => all.volumeTypes),
    createAttachment: (volume, server) =>
      asked('cinder attach', () => {
        if (all.volumes.get(volume)?.status !== 'available') throw refused(400, `Invalid volume: ${volume} is not available`)
        const id = `a0000000-0000-4000-8000-${String(all.attachments.size + ++made).padStart(12, '0')}`
        all.attachments.set(id, { volume, server })
        return { id }
      }),
    removeAttachment: (id) => asked('cinder detach', () => all.attachments.delete(id)),
    completeAttachment: (id) => asked(`cinder complete ${id}`, () => undefined),
    attachment: (id) => asked('cinder attachment', () => (all.attachments.has(id) ? { id, attach_mode: 'rw' } : undefined)),
    act: (id, action) => asked(`cinder ${action}`, () => void own(all.volumes.get(id))),
    removeVolume: (id) => asked('cinder remove', () => void all.volumes.delete(id)),
    createSnapshot: (volume, name) =>
      asked('cinder snapshot it', () => {
        const id = `50000000-0000-4000-8000-${String(all.snapshots.size).padStart(12, '0')}`
        all.snapshots.set(id, { id, name, status: 'available', size: 1, volume_id: volume })
        return { id }
      }),
    limits: () => asked('cinder limits', () => all.volumeLimits),
  }
  return client as CinderClient
}

/** An active image; `properties` are those of Nova and others. */
export const image = (id: string, more: Partial<GlanceImage> = {}): [string, GlanceImage] => [
  id,
  {
    id,
    name: 'cirros',
    status: 'active',
    visibility: 'public',
    owner: 'o'.repeat(32),
    min_disk: 0,
    min_ram: 0,
    size: 1_048_576,
    virtual_size: null,
    disk_format: 'raw',
    container_format: 'bare',
    checksum: 'c'.repeat(32),
    protected: false,
    created_at: '2026-03-01T10:00:00Z',
    updated_at: '2026-03-01T10:00:01Z',
    tags: [],
    file: `/v2/images/${id}/file`,
    schema: '/v2/schemas/image',
    ...more,
  },
]

/** A network with a subnet; of no project in particular unless said. */
export const network = (id: string, more: Partial<NeutronNetwork> = {}): [string, NeutronNetwork] => [
  id,
  {
    id,
    name: 'net',
    tenant_id: 'n'.repeat(32),
    subnets: ['5'.repeat(32)],
    shared: false,
    admin_state_up: true,
    'provider:network_type': 'vxlan',
    'provider:physical_network': null,
    ...more,
  },
]

export const port = (id: string, network_id: string, tenant_id: string, more: Partial<NeutronPort> = {}): [string, NeutronPort] => [
  id,
  {
    id,
    name: '',
    network_id,
    tenant_id,
    mac_address: 'fa:16:3e:00:00:01',
    status: 'DOWN',
    admin_state_up: true,
    device_id: '',
    device_owner: '',
    fixed_ips: [{ subnet_id: '5'.repeat(32), ip_address: '10.0.0.5' }],
    security_groups: [],
    'binding:vnic_type': 'normal',
    ...more,
  },
]

/** A volume that is free; bootable unless said. */
export const volume = (id: string, tenant_id: string, more: Partial<CinderVolume> = {}): [string, CinderVolume] => [
  id,
  {
    id,
    name: 'vol',
    status: 'available',
    size: 2,
    availability_zone: 'nova',
    bootable: 'true',
    multiattach: false,
    attachments: [],
    volume_image_metadata: { image_id: 'x', min_ram: '0', min_disk: '0', os_type: 'linux' },
    tenant_id,
    ...more,
  },
]
