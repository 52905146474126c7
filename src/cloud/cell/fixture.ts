/** A cell with everything around it in one process, for the tests beside the code: databases in a folder, a network, an image and a volume service, and what an API does. */
import { randomUUID } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peerOver } from '../../../tests/support/peer-over.ts'
import { adminContext, type RequestContext } from '../../oslo/context.ts'
import { openDatabase } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import { silent } from '../../oslo/log.ts'
import { memoryDriver } from '../../oslo/messaging/local/in-process.ts'
import { type Arguments, rpcClient } from '../../oslo/messaging/rpc-client.ts'
import { cinder } from '../../peers/cinder.ts'
import { hostVolumes } from '../../peers/cinder-hosts.ts'
import { glance } from '../../peers/glance.ts'
import { type NeutronPort, neutron } from '../../peers/neutron.ts'
import type { ConnectedPeers } from '../../peers/peers.ts'
import { placement } from '../../peers/placement.ts'
import { hostPlacement } from '../../peers/placement-hosts.ts'
import { cell0Uuid } from '../../stores/api/mappings.ts'
import { apiSchema } from '../../stores/api/schema.ts'
import { cellSchema } from '../../stores/cell/schema.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { type Cell, openCells } from '../../stores/cells.ts'
import { BlockDeviceMapping, BlockDeviceMappingList } from '../../stores/objects/block-device-mapping.ts'
import { BuildRequest } from '../../stores/objects/build-request.ts'
import { Flavor } from '../../stores/objects/flavor.ts'
import { Instance } from '../../stores/objects/instance.ts'
import { NetworkRequestList } from '../../stores/objects/network-request.ts'
import { RequestSpec } from '../../stores/objects/request-spec.ts'
import { Tag, TagList } from '../../stores/objects/tag.ts'
import { apiStore, type Stores } from '../../stores/stores.ts'
import { syncApi, syncCell } from '../../stores/sync.ts'
import { ask } from '../ask.ts'
import { person } from '../fixture.ts'
import { image as imageService } from '../image/index.ts'
import { network } from '../network/index.ts'
import { placement as placementService } from '../placement/index.ts'
import { cellName, hostName, numbers } from '../places.ts'
import type { Caller } from '../service.ts'
import { openShelf } from '../shelf.ts'
import { type Compute, glance as imagesOf, volume as volumeService } from '../volume/index.ts'
import { startCells } from './index.ts'
import type { CellOptions } from './settings.ts'
import type { TaskState, VmState } from './states.ts'
import { compute, computeAlt, computeTask } from './targets.ts'
import { instanceToWire, migrationToWire } from './wire.ts'

/** Their names are their tokens. `nova` is what the cell itself is in the network service. */
const people: Readonly<Record<string, Caller>> = {
  nova: person('nova', 'services', ['admin', 'service']),
  ann: person('ann', 'one', ['member', 'reader']),
  root: person('root', 'adm', ['admin', 'member', 'reader']),
}

/** The caller behind a token, for the services around the cell. */
export const authenticate = (token: string): Caller | null => people[token] ?? null

export const contextOf = (name: string, requestId = `req-${randomUUID()}`): RequestContext => {
  const { userId, projectId, roles, isAdmin } = people[name]!
  return {
    ...adminContext(requestId, Date.now()),
    userId,
    userName: name,
    projectId,
    projectName: projectId,
    userDomainId: 'default',
    projectDomainId: 'default',
    roles,
    isAdmin,
    token: name,
  }
}

const urlOf = (folder: string, name: string) => `sqlite:///${join(folder, name)}.sqlite`

let drawn: Promise<string> | undefined

/** A folder with empty databases, made once: copying them is twenty times as fast. */
function blank(): Promise<string> {
  drawn ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cell-blank-'))
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    const api = await openDatabase(urlOf(folder, 'api'), { schema: apiSchema, create: true })
    await syncApi(api)
    await api.close()
    const cell = await openDatabase(urlOf(folder, 'cell'), { schema: cellSchema, create: true })
    await syncCell(cell)
    await cell.close()
    return folder
  })()
  return drawn
}

/** Nova's databases in a folder, made when they are not there: so many cells besides cell0. */
export async function openStores(folder: string, now: () => number, count = 1): Promise<Stores & { close(): Promise<void> }> {
  const isNew = !existsSync(join(folder, 'api.sqlite'))
  const place = (name: string) => join(folder, `${name}.sqlite`)
  const cells = ['cell0', ...numbers(count).map(cellName)]
  if (isNew) {
    copyFileSync(join(await blank(), 'api.sqlite'), place('api'))
    for (const name of cells) copyFileSync(join(await blank(), 'cell.sqlite'), place(name))
  }
  const database = await openDatabase(urlOf(folder, 'api'), { schema: apiSchema })
  const api = apiStore(database, now)
  if (isNew)
    for (const [index, name] of cells.entries()) {
      const uuid = index === 0 ? cell0Uuid : `${String(index).repeat(8)}-1111-4111-8111-111111111111`
      await api.cellMappings.create({ uuid, name, databaseConnection: urlOf(folder, name), transportUrl: 'memory:' })
    }
  const opened = openCells({ mappings: api.cellMappings, now, deadlineSeconds: 10 })
  return {
    api,
    cells: opened,
    async close() {
      await opened.close()
      await database.close()
    },
  }
}

/** Nothing takes longer than it must. */
export const quick: CellOptions = {
  timings: { scale: 0 },
  heartbeatSeconds: 0,
  sweepSeconds: 0,
  healSeconds: 0,
  graceSeconds: 3600,
}

export interface TestCellOptions {
  readonly settings?: CellOptions
  /** Which requests to other services break. */
  readonly failing?: (method: string, path: string) => boolean
  readonly random?: () => number
  /** How many cells; those after the first have hosts that are called by their cell. */
  readonly cells?: number
}

export interface Wish {
  readonly name?: string
  readonly flavor?: Partial<Flavor>
  readonly spec?: Partial<RequestSpec>
  /** Null is nothing in particular. */
  readonly networks?: readonly { network_id?: string; port_id?: string; address?: string; tag?: string }[] | null
  readonly securityGroups?: readonly string[]
  readonly tags?: readonly string[]
  readonly as?: string
  readonly count?: number
  readonly metadata?: Readonly<Record<string, string>>
  /** Instead of a local disk from the image. */
  readonly devices?: readonly Partial<BlockDeviceMapping>[]
}

export type TestCell = Awaited<ReturnType<typeof testCell>>

export async function testCell({ settings = {}, failing = () => false, random = () => 0.5, cells: count = 1 }: TestCellOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'cell-'))
  mkdirSync(join(folder, 'images'))
  const clock = { ahead: 0, now: () => Date.now() + clock.ahead }
  const ids = { uuid: () => randomUUID() as string }
  const stores = await openStores(folder, () => clock.now(), count)
  const errors: unknown[] = []
  const report = (error: unknown) => void errors.push(error)
  const net = network({ shelf: openShelf(':memory:'), authenticate, clock, ids, report })
  const images = imageService({ shelf: openShelf(':memory:'), folder: join(folder, 'images'), authenticate, clock, ids, report })
  const disks = volumeService({
    shelf: openShelf(':memory:'),
    authenticate,
    clock,
    ids,
    report,
    images: imagesOf((route, asked) => ask(images.application, route, asked)),
    compute: {
      tell: (...event) => tellCell(...event),
      swap: () => Promise.reject(new Error('not in this test')),
      attachmentOf: async () => undefined,
    },
  })
  disks.seed()
  const resources = placementService({ shelf: openShelf(':memory:'), authenticate, clock, ids, report })
  const places = peerOver(resources.application, { type: 'placement', failing })
  const peers: Pick<ConnectedPeers, 'neutron' | 'glance' | 'cinder' | 'placement' | 'hostPlacement'> = {
    neutron: neutron(peerOver(net.application, { failing }), { clock, extensionSeconds: 600 }),
    glance: glance(peerOver(images.application, { failing }), { servers: [] }),
    cinder: cinder(peerOver(disks.application, { base: '/v3', type: 'volume', failing })),
    placement: placement(places),
    hostPlacement: hostPlacement(places),
  }
  const driver = memoryDriver()
  const log = { ...silent, error: (message: string, details?: { error?: unknown }) => void errors.push(details?.error ?? message) }
  const others = numbers(count - 1).map((index) => {
    const name = cellName(index + 1)
    const hosts = numbers(2).map((host) => ({ name: hostName(index + 1, host) }))
    return { driver: memoryDriver(), cell: name, settings: { hosts, controller: `${name}-controller` } }
  })
  const start = () =>
    startCells({
      cells: [{ driver, cell: 'cell1' }, ...others],
      stores,
      peers,
      settings: { ...quick, ...settings },
      faultsFile: join(folder, 'faults.json'),
      clock,
      ids,
      random,
      log,
    })
  let running = await start()
  const rpc = rpcClient(driver, { responseTimeoutMs: 5000 })
  const all = await stores.cells.all()
  const cell = all.find(({ name }) => name === 'cell1')!
  const cell0 = all.find(({ name }) => name === 'cell0')!
  const acting = acts({ stores, cell, cell0, rpc, clock })
  const tellCell: Compute['tell'] = async (event, servers, volumeId) => {
    for (const uuid of servers) {
      const server = await cell.servers.find(uuid)
      if (server?.host) await acting.event(server, event, volumeId)
    }
  }
  const own = peers.neutron.own
  const shared = await own.create('networks', { name: 'shared', shared: true, tenant_id: 'services' })
  await own.create('subnets', { network_id: shared.id, cidr: '10.10.0.0/16', ip_version: 4, tenant_id: 'services' })
  /** Another network beside the shared one, ann's own. */
  const ownNetwork = async (cidr: string): Promise<string> => {
    const made = await peers.neutron.as(contextOf('ann')).create('networks', { name: 'own' })
    await peers.neutron.as(contextOf('ann')).create('subnets', { network_id: made.id, cidr, ip_version: 4, enable_dhcp: false })
    return made.id
  }

  return {
    ownNetwork,
    stores,
    cell,
    cell0,
    /** By name. */
    cellNamed: (name: string): Cell => all.find((one) => one.name === name)!,
    /** What an API does with a server of another cell. */
    actingIn: (name: string) => acts({ stores, cell: all.find((one) => one.name === name)!, cell0, rpc, clock }),
    driver,
    rpc,
    peers,
    errors,
    clock,
    sharedId: shared.id,
    ...acting,
    sweep: () => running.sweep(),
    ports: (uuid: string): Promise<NeutronPort[]> => own.list('ports', { device_id: uuid }),
    /** As the one who owns the servers. */
    ann: peers.neutron.as(contextOf('ann')),
    images: peers.glance.as(contextOf('ann')),
    volumes: hostVolumes(peers.cinder.as(contextOf('ann'))),
    /** Stops the cell and starts it anew, over the same databases. */
    async restart() {
      await running.stop()
      running = await start()
    },
    async close() {
      await running.stop()
      await rpc.close()
      for (const one of [driver, ...others.map((each) => each.driver)]) await one.close()
      await stores.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Ground {
  readonly stores: Stores
  readonly cell: Cell
  readonly cell0: Cell
  readonly rpc: ReturnType<typeof rpcClient>
  readonly clock: { now(): number }
}

const small = { id: 7, name: 'm1.small', flavorid: 'small', memory_mb: 128, vcpus: 1, root_gb: 1, ephemeral_gb: 0, swap: 0 }

export const flavorOf = (values: Partial<Flavor> = {}): Flavor =>
  Flavor.make({ ...small, rxtx_factor: 1, vcpu_weight: 0, disabled: false, is_public: true, extra_specs: {}, description: null, ...values })

/** What an API does: it writes what it has accepted, and sends the message. */
export function acts({ stores, cell, cell0, rpc, clock }: Ground) {
  const { api } = stores
  async function find(uuid: string): Promise<Server | undefined> {
    for (const each of [cell, ...(await stores.cells.all())]) {
      const server = await each.servers.find(uuid)
      if (server) return server
    }
    return undefined
  }

  /** Writes requests for servers and resolves with the message that would follow. */
  async function request({
    name = 'box',
    flavor,
    spec = {},
    networks = null,
    securityGroups = ['default'],
    tags: wanted = [],
    as = 'ann',
    count = 1,
    devices: disks,
    metadata = {},
  }: Wish = {}) {
    const context = contextOf(as)
    const cur = flavorOf(flavor)
    const image = randomUUID()
    const uuids = Array.from({ length: count }, () => randomUUID() as string)
    const usual = [deviceOf(image, 0), ...(cur.swap ? [deviceOf(null, -1)] : [])]
    const devices = BlockDeviceMappingList.toWire({ objects: disks ? disks.map((one) => BlockDeviceMapping.make(one)) : usual })
    const tags = TagList.toWire({ objects: wanted.map((tag) => Tag.make({ tag })) })
    const specs = uuids.map((uuid) => RequestSpec.toWire(specOf(uuid, cur, context, securityGroups, spec)))
    const instances = uuids.map((uuid, i) => Instance.toWire(instanceOf(uuid, { name, image, flavor: cur, context, index: i, metadata })))
    await api.requests.create(
      uuids.map((uuid, i) => ({
        uuid,
        projectId: context.projectId!,
        userId: context.userId!,
        spec: specs[i]!,
        instance: instances[i]!,
        blockDeviceMappings: devices,
        tags,
      })),
    )
    const args: Arguments = {
      build_requests: uuids.map((uuid, i) => ({
        ...BuildRequest.toWire(BuildRequest.make({ instance_uuid: uuid, project_id: context.projectId! })),
        instance: instances[i],
      })),
      request_specs: specs,
      image: { id: image, name: 'cirros' },
      admin_password: 'secret',
      injected_files: [],
      requested_networks: networks && NetworkRequestList.toWire({ objects: networks.map((one) => ({ ...empty, ...one })) }),
      block_device_mapping: devices,
      tags,
    }
    return { uuids, context, args, send: () => rpc.cast(computeTask('1.17'), context, 'schedule_and_build_instances', args) }
  }

  async function until(uuid: string, wanted: (server: Server | undefined) => boolean, what: string): Promise<Server | undefined> {
    for (const end = Date.now() + 5000; ; ) {
      const server = await find(uuid)
      if (wanted(server)) return server
      if (Date.now() > end) throw new Error(`${what}: ${server ? `${server.vmState}, ${server.taskState}` : 'gone'}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Waits until nothing is done with it. */
  const settled = async (uuid: string): Promise<Server> =>
    (await until(uuid, (server) => server !== undefined && server.taskState === null && server.vmState !== 'building', 'never settled'))!

  const gone = (uuid: string): Promise<unknown> => until(uuid, (server) => server === undefined, 'never gone')

  async function create(wish?: Wish): Promise<Server[]> {
    const { uuids, send } = await request(wish)
    await send()
    return Promise.all(uuids.map(settled))
  }

  /** Notes the task and the action, then sends the message to the server's host. */
  async function act(
    uuid: string,
    taskState: TaskState | null,
    name: string,
    args: Arguments = {},
    more: { host?: string; as?: string } = {},
  ) {
    const context = contextOf(more.as ?? 'ann')
    const server = (await cell.servers.find(uuid))!
    if (taskState !== null) await cell.servers.update(uuid, { taskState })
    await cell.actions.start({
      action: name,
      instanceUuid: uuid,
      requestId: context.requestId,
      userId: context.userId,
      projectId: context.projectId,
    })
    const host = more.host ?? server.host!
    await rpc.cast(compute(host), context, name, { instance: instanceToWire({ ...server, taskState }), ...args })
    return context.requestId
  }

  /** The same for what the conductor does. */
  async function task(uuid: string, taskState: TaskState, name: string, args: Arguments = {}, as = 'ann') {
    const context = contextOf(as)
    await cell.servers.update(uuid, { taskState })
    const server = (await cell.servers.find(uuid))!
    await cell.actions.start({
      action: name,
      instanceUuid: uuid,
      requestId: context.requestId,
      userId: context.userId,
      projectId: context.projectId,
    })
    const spec = await api.requestSpecs.find(uuid)
    const message = { instance: instanceToWire(server), request_spec: spec, ...args }
    await rpc.cast(computeTask('1.25'), context, name, message)
    return context.requestId
  }

  const call = (server: Server, name: string, args: Arguments = {}) =>
    rpc.call(compute(server.host!), contextOf('ann'), name, { instance: instanceToWire(server), ...args })

  /** `event host result` of each, in their order. */
  async function events(uuid: string, requestId?: string): Promise<string[]> {
    const found = (await cell.actions.list(uuid)) ?? (await cell0.actions.list(uuid)) ?? []
    const actions = requestId === undefined ? found : found.filter((action) => action.requestId === requestId)
    const all = await Promise.all(actions.map(({ id }) => cell.actions.events(id)))
    return all
      .flat()
      .sort((a, b) => a.id - b.id)
      .map(({ event, host, result }) => `${event} ${host} ${result}`)
  }

  const resize = (uuid: string, flavor: Flavor, more: Arguments = {}) =>
    task(uuid, 'resize_prep', 'migrate_server', {
      scheduler_hint: { filter_properties: {} },
      live: false,
      rebuild: false,
      flavor: Flavor.toWire(flavor),
      block_migration: null,
      disk_over_commit: null,
      clean_shutdown: true,
      host_list: null,
      ...more,
    })

  /** Answers to a finished resize, as the API gives them; it refuses one that was answered before. */
  async function answerResize(uuid: string, answer: 'confirm' | 'revert') {
    const migration = await cell.migrations.inStatus(uuid, 'finished')
    if (!migration) return undefined
    await cell.migrations.update(migration.id, { status: answer === 'confirm' ? 'confirming' : 'reverting' })
    const args = { migration: migrationToWire(migration), request_spec: await api.requestSpecs.find(uuid) }
    if (answer === 'confirm') return act(uuid, null, 'confirm_resize', args, { host: migration.sourceCompute! })
    return act(uuid, 'resize_reverting', 'revert_resize', args, { host: migration.destCompute! })
  }

  const event = (server: Server, name: string, tag: string | null) =>
    rpc.cast(computeAlt(server.host!), contextOf('root'), 'external_instance_event', {
      instances: [instanceToWire(server)],
      events: [
        {
          'nova_object.name': 'InstanceExternalEvent',
          'nova_object.namespace': 'nova',
          'nova_object.version': '1.5',
          'nova_object.data': { instance_uuid: server.uuid, name, status: 'completed', tag, data: {} },
        },
      ],
    })

  return {
    find,
    request,
    create,
    settled,
    until,
    gone,
    act,
    task,
    call,
    events,
    resize,
    answerResize,
    event,
    now: () => toDateTime(clock.now()),
  }
}

const empty = { network_id: null, address: null, port_id: null, pci_request_id: null, tag: null, arq_uuid: null, device_profile: null }

const deviceOf = (image: string | null, bootIndex: number) => ({
  source_type: image ? ('image' as const) : ('blank' as const),
  destination_type: 'local' as const,
  device_type: 'disk' as const,
  guest_format: image ? null : 'swap',
  boot_index: bootIndex,
  delete_on_termination: true,
  image_id: image,
  no_device: false,
  device_name: null,
  volume_size: null,
  volume_id: null,
})

const specOf = (
  uuid: string,
  flavor: Flavor,
  { projectId, userId }: RequestContext,
  groups: readonly string[],
  more: Partial<RequestSpec>,
) =>
  RequestSpec.make({
    instance_uuid: uuid,
    flavor,
    project_id: projectId,
    user_id: userId,
    num_instances: 1,
    availability_zone: null,
    force_hosts: null,
    force_nodes: null,
    ignore_hosts: null,
    scheduler_hints: {},
    security_groups: { objects: groups.map((name) => ({ name })) },
    is_bfv: false,
    image: null,
    ...more,
  })

interface Body {
  readonly name: string
  readonly image: string
  readonly flavor: Flavor
  readonly context: RequestContext
  readonly index: number
  readonly metadata: Readonly<Record<string, string>>
}

const instanceOf = (uuid: string, { name, image, flavor, context, index, metadata }: Body) =>
  Instance.make({
    uuid,
    user_id: context.userId,
    project_id: context.projectId,
    image_ref: image,
    kernel_id: '',
    ramdisk_id: '',
    hostname: name,
    launch_index: index,
    power_state: 0,
    vm_state: 'building' satisfies VmState,
    task_state: 'scheduling' satisfies TaskState,
    memory_mb: flavor.memory_mb!,
    vcpus: flavor.vcpus!,
    root_gb: flavor.root_gb!,
    ephemeral_gb: flavor.ephemeral_gb!,
    instance_type_id: flavor.id!,
    reservation_id: 'r-test',
    availability_zone: null,
    display_name: name,
    locked: false,
    config_drive: '',
    auto_disk_config: false,
    progress: 0,
    shutdown_terminate: false,
    metadata: { role: 'web', ...metadata },
    system_metadata: { image_base_image_ref: image, image_disk_format: 'raw' },
    info_cache: { instance_uuid: uuid, network_info: [] },
    flavor,
    keypairs: { objects: [] },
    pci_requests: { requests: [] },
  })
