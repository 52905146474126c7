/** Servers on a host, in whatever state a test wants them, and every message that is sent about them. */
import { randomUUID } from 'node:crypto'
import { quotaOptions } from '../../src/compute/settings.ts'
import { defaultsOf } from '../../src/oslo/keystoneauth/fixture.ts'
import { MessageDeliveryFailure } from '../../src/oslo/messaging/errors.ts'
import { type RpcServer, rpcServer } from '../../src/oslo/messaging/rpc-server.ts'
import type { BlockDeviceValues } from '../../src/stores/cell/block-devices.ts'
import type { Server, ServerChanges, Vif } from '../../src/stores/cell/servers.ts'
import type { Cell } from '../../src/stores/cells.ts'
import { Flavor } from '../../src/stores/objects/flavor.ts'
import { imageMetaFrom } from '../../src/stores/objects/image-meta.ts'
import { RequestSpec } from '../../src/stores/objects/request-spec.ts'
import { cellId, projectOf, type TestApi, type TestApiOptions, testApi } from './compute-api.ts'
import { type FakePeers, type FakeThings, fakePeers, image } from './fake-peers.ts'
import { addHost, cellOf, stored } from './hosts.ts'

/** A message as its receiver sees it. */
export interface Message {
  /** The topic, or `topic.host`. */
  readonly to: string
  readonly method: string
  readonly version: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into messages at will
  readonly args: any
}

export interface Farm {
  readonly api: TestApi
  readonly fakes: FakePeers
  readonly cell: Cell
  readonly messages: Message[]
  /** What methods answer, or how they fail; null when nothing is said. */
  readonly answers: Map<string, (args: Message['args']) => unknown>
  /** A new server on host1, active and idle unless said. */
  server(how?: NewServer): Promise<string>
  /** Puts a server into another state. */
  set(uuid: string, changes: ServerChanges): Promise<void>
  row(uuid: string): Promise<Server>
  /** The next message, or those that have come within a moment. */
  heard(count?: number): Promise<Message[]>
  /** The broker takes no message for a topic, such as `conductor`, until the answer is called. */
  cut(topic: string): () => void
  close(): Promise<void>
}

export interface NewServer extends ServerChanges {
  readonly metadata?: Readonly<Record<string, string>>
  readonly systemMetadata?: Readonly<Record<string, string>>
  readonly devices?: readonly BlockDeviceValues[]
  readonly tags?: readonly string[]
  readonly vifs?: readonly Vif[]
  readonly flavors?: { readonly cur?: object; readonly old?: object | null }
  readonly extra?: Readonly<Record<string, string | null>>
}

export const imageId = '00000000-0000-4000-8000-00000000c1f0'
export const portId = '00000000-0000-4000-8000-0000000000f0'
export const networkId = '00000000-0000-4000-8000-0000000000e0'

/** host1 with a node of the same name, host2 and host3; the last is down. Servers are not limited unless the settings say so. */
export async function farm(things: Partial<FakeThings> = {}, options: TestApiOptions = {}): Promise<Farm> {
  const fakes = fakePeers({ images: new Map([image(imageId)]), ...things })
  const quota = { ...defaultsOf(quotaOptions.options), instances: -1, cores: -1, ram: -1 }
  const api = await testApi({ peers: fakes.peers, ...options, settings: { quota, ...options.settings } })
  const cell = await cellOf(api)
  const messages: Message[] = []
  const answers: Farm['answers'] = new Map()
  await addHost(api, 'host1')
  await addHost(api, 'host2')
  await addHost(api, 'host3', { seen: api.backends.clock.now() - 3_600_000 })
  const listeners = new Map<string, RpcServer>()
  for (const host of ['host1', 'host2', 'host3']) listeners.set(host, await listen(api, 'compute', host, messages, answers))
  listeners.set('conductor', await listen(api, 'conductor', 'conductor1', messages, answers))
  return {
    api,
    fakes,
    cell,
    messages,
    answers,
    server: (how) => birth(api, cell, how),
    async set(uuid, changes) {
      await cell.servers.update(uuid, changes)
    },
    row: async (uuid) => (await cell.servers.find(uuid, { deletedToo: true }))!,
    async heard(count = 1) {
      for (let i = 0; i < 100 && messages.length < count; i++) await new Promise((resolve) => setTimeout(resolve, 2))
      return messages.splice(0)
    },
    cut(topic) {
      const publish = api.driver.publish
      api.driver.publish = (to, ...rest) =>
        'topic' in to && to.topic === topic ? Promise.reject(new MessageDeliveryFailure('the broker is away')) : publish(to, ...rest)
      return () => {
        api.driver.publish = publish
      }
    },
    async close() {
      for (const listener of listeners.values()) await listener.stop()
      await api.close()
    },
  }
}

/** Every method of a topic, noted before it is answered. */
function listen(api: TestApi, topic: string, server: string, messages: Message[], answers: Farm['answers']): Promise<RpcServer> {
  const methods = new Proxy<Record<string, never>>(
    {},
    {
      getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true }),
      get:
        (_, method: string) =>
        (_context: unknown, args: Message['args'], { version }: { version: string }) => {
          messages.push({ to: topic === 'compute' ? `${topic}.${server}` : topic, method, version, args })
          return answers.get(method)?.(args) ?? null
        },
    },
  )
  const namespace = topic === 'conductor' ? { namespace: 'compute_task', version: '1.26' } : { version: '6.4' }
  return rpcServer({ driver: api.driver, topic, server, endpoints: [{ ...namespace, methods }], report: () => undefined })
}

const smallFlavor = {
  id: 1001,
  name: 'small',
  flavorid: 'small',
  memory_mb: 512,
  vcpus: 1,
  root_gb: 1,
  ephemeral_gb: 0,
  swap: 0,
  rxtx_factor: 1,
  vcpu_weight: null,
  disabled: false,
  is_public: true,
  extra_specs: {},
}

const flavorWire = (more: object = {}) => Flavor.toWire(Flavor.unchanged({ ...smallFlavor, ...more } as Flavor))

export const vif: Vif = {
  id: portId,
  address: 'fa:16:3e:00:00:01',
  vnic_type: 'normal',
  profile: {},
  preserve_on_delete: false,
  network: {
    id: networkId,
    label: 'net',
    meta: {},
    subnets: [
      { cidr: '10.0.0.0/24', version: 4, ips: [{ address: '10.0.0.5', version: 4, type: 'fixed', floating_ips: [], meta: {} }] },
    ] as never,
  },
}

async function birth(api: TestApi, cell: Cell, how: NewServer = {}): Promise<string> {
  const { metadata = {}, systemMetadata = {}, devices, tags = [], vifs = [vif], flavors = {}, extra = {}, ...row } = how
  const uuid = randomUUID()
  const projectId = row.projectId ?? projectOf('member')
  const userId = row.userId ?? 'member'.padEnd(32, '0')
  const at = stored(api.backends.clock.now())
  const root: BlockDeviceValues = { sourceType: 'image', destinationType: 'local', bootIndex: 0, deviceName: '/dev/sda', imageId }
  await cell.births.create({
    server: {
      uuid,
      projectId,
      userId,
      host: 'host1',
      node: 'host1',
      vmState: 'active',
      taskState: null,
      powerState: 1,
      launchedAt: at,
      displayName: 'server',
      hostname: 'server',
      imageRef: imageId,
      instanceTypeId: 1001,
      vcpus: 1,
      memoryMb: 512,
      rootGb: 1,
      ephemeralGb: 0,
      locked: false,
      deleted: 0,
      availabilityZone: 'nova',
      ...row,
    } as ServerChanges & { uuid: string },
    extra: {
      flavor: JSON.stringify({ cur: flavorWire(flavors.cur), old: flavors.old ? flavorWire(flavors.old) : null, new: null }),
      deleted: 0,
      ...extra,
    },
    metadata,
    systemMetadata: { image_base_image_ref: imageId, image_min_ram: '0', image_min_disk: '1', ...systemMetadata },
    blockDevices: (devices ?? [root]).map((device) => ({
      noDevice: false,
      encrypted: false,
      deleteOnTermination: true,
      ...device,
      uuid: randomUUID(),
    })),
    tags,
    action: { action: 'create', requestId: `req-${uuid}`, userId, projectId, startTime: at },
  })
  await cell.networkInfo.set(uuid, JSON.stringify(vifs))
  await remember(api, uuid, projectId, userId)
  return uuid
}

/** What nova_api knows of a server that a cell has. */
async function remember(api: TestApi, uuid: string, projectId: string, userId: string): Promise<void> {
  const spec = RequestSpec.make({
    image: imageMetaFrom({ id: imageId, name: 'cirros', status: 'active', properties: {} }),
    flavor: Flavor.unchanged(smallFlavor as unknown as Flavor),
    project_id: projectId,
    user_id: userId,
    availability_zone: null,
    numa_topology: null,
    pci_requests: null,
    num_instances: 1,
    instance_uuid: uuid,
    is_bfv: false,
  })
  await api.backends.stores.api.database.write(async (tx) => {
    await tx
      .insertInto('request_specs')
      .values({ instance_uuid: uuid, spec: JSON.stringify(RequestSpec.toWire(spec)) })
      .execute()
    await tx
      .insertInto('instance_mappings')
      .values({ instance_uuid: uuid, cell_id: cellId, project_id: projectId, user_id: userId, queued_for_delete: false })
      .execute()
  })
}
