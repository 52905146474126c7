/** Compute hosts in the cell of a test's API: their rows, computes that answer, and servers on them. */
import { randomUUID } from 'node:crypto'
import { unseal } from '../../src/oslo/messaging/envelope.ts'
import { type RpcServer, rpcServer } from '../../src/oslo/messaging/rpc-server.ts'
import type { Cell } from '../../src/stores/cells.ts'
import { cellId, type TestApi } from './compute-api.ts'

export const cellOf = async (api: TestApi): Promise<Cell> => (await api.backends.stores.cells.byId(cellId))!

/** Times as the tables hold them. */
export const stored = (milliseconds: number): string => new Date(milliseconds).toISOString().replace('T', ' ').replace('Z', '000')

interface HostOptions {
  readonly node?: string
  readonly uuid?: string
  readonly disabled?: boolean
  readonly seen?: number
  readonly stats?: string
}

/** A compute host that is mapped, with one node; the ids of its service and its node. */
export async function addHost(api: TestApi, host: string, { node = host, uuid = randomUUID(), ...rest }: HostOptions = {}) {
  const cell = await cellOf(api)
  const { disabled = false, seen = api.backends.clock.now(), stats = '{}' } = rest
  const service = { host, binary: 'nova-compute', topic: 'compute', reportCount: 1, version: 72, forcedDown: false }
  const serviceUuid = randomUUID()
  const serviceId = await cell.services.create({ ...service, uuid: serviceUuid, disabled, lastSeenUp: stored(seen) })
  const nodeId = await cell.computeNodes.create({ host, hypervisorHostname: node, uuid, stats, serviceId, ...size })
  await api.backends.stores.api.hostMappings.create(host, cell.id)
  return { serviceId, serviceUuid, nodeId, nodeUuid: uuid }
}

const size = {
  vcpus: 8,
  memoryMb: 8192,
  localGb: 100,
  vcpusUsed: 1,
  memoryMbUsed: 512,
  localGbUsed: 10,
  freeRamMb: 7680,
  freeDiskGb: 90,
  currentWorkload: 0,
  runningVms: 1,
  diskAvailableLeast: 80,
  hypervisorType: 'fake',
  hypervisorVersion: 1000,
  hostIp: '192.0.2.1',
  cpuInfo:
    '{"arch": "x86_64", "model": "Nehalem", "vendor": "Intel", "features": ["pge"], "topology": {"cores": 1, "threads": 1, "sockets": 4}}',
  mapped: 1,
}

interface ServerOptions {
  readonly host?: string | null
  readonly projectId?: string
  readonly userId?: string
  readonly name?: string
  readonly vmState?: string
  readonly created?: number
  readonly deleted?: number
  readonly vcpus?: number
  readonly memoryMb?: number
  readonly rootGb?: number
}

/** A server in the cell; its UUID. */
export async function addServer(api: TestApi, options: ServerOptions = {}): Promise<string> {
  const cell = await cellOf(api)
  const uuid = randomUUID()
  const { host = null, projectId = 'a'.repeat(32), userId = 'member'.padEnd(32, '0'), name = 'server', vmState = 'active' } = options
  const { created = api.backends.clock.now(), deleted, vcpus = 1, memoryMb = 512, rootGb = 1 } = options
  const at = stored(created)
  const id = await cell.servers.create({
    uuid,
    host,
    node: host,
    projectId,
    userId,
    displayName: name,
    hostname: name,
    vmState,
    createdAt: at,
    launchedAt: at,
    vcpus,
    memoryMb,
    rootGb,
    ephemeralGb: 0,
    instanceTypeId: 1,
  })
  await cell.database.write(async (tx) => {
    const flavor = { id: 1, name: 'small', flavorid: 'small', memory_mb: memoryMb, vcpus, root_gb: rootGb, ephemeral_gb: 0, swap: 0 }
    const wire = { 'nova_object.name': 'Flavor', 'nova_object.namespace': 'nova', 'nova_object.version': '1.2', 'nova_object.data': flavor }
    await tx
      .insertInto('instance_extra')
      .values({ instance_uuid: uuid, flavor: JSON.stringify({ cur: wire, old: null, new: null }), deleted: 0, created_at: at })
      .execute()
    if (deleted !== undefined)
      await tx
        .updateTable('instances')
        .set({ deleted: id, deleted_at: stored(deleted), terminated_at: stored(deleted), vm_state: 'deleted' })
        .where('id', '=', id)
        .execute()
  })
  await api.backends.stores.api.database.write((tx) =>
    tx
      .insertInto('instance_mappings')
      .values({ instance_uuid: uuid, cell_id: cellId, project_id: projectId, user_id: userId, queued_for_delete: false, created_at: at })
      .execute(),
  )
  return uuid
}

/** A message that was sent. */
export interface Sent {
  readonly method: string
  readonly args: Readonly<Record<string, unknown>>
  readonly host?: string
}

type Answers = Readonly<Record<string, (args: Readonly<Record<string, unknown>>) => unknown>>

/** Computes on these hosts that answer calls; `sent` notes each. */
export async function runComputes(
  api: TestApi,
  hosts: readonly string[],
  answers: Answers,
  sent: Sent[] = [],
): Promise<() => Promise<void>> {
  const servers: RpcServer[] = []
  for (const host of hosts) {
    const methods = Object.fromEntries(
      Object.entries(answers).map(([method, answer]) => [
        method,
        (_: unknown, args: Readonly<Record<string, unknown>>) => {
          sent.push({ method, args, host })
          return answer(args)
        },
      ]),
    )
    const options = {
      driver: api.driver,
      topic: 'compute',
      server: host,
      endpoints: [{ version: '6.4', methods }],
      report: () => undefined,
    }
    servers.push(await rpcServer(options))
  }
  return async () => void (await Promise.all(servers.map((server) => server.stop())))
}

/** Notes what is cast to a topic, or fanned out to it. */
export async function listen(api: TestApi, kind: 'topic' | 'fanout', topic: string, sent: Sent[], server?: string): Promise<void> {
  await api.driver.consume({ kind, topic, ...(server !== undefined && { server }) } as never, 100, (incoming) => {
    incoming.acknowledge()
    const { method, args } = unseal(incoming.body) as unknown as Sent
    sent.push({ method, args })
  })
}
