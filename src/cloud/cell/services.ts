/** The services of the cell in its database: their rows, the signs of life that keep them up, and the nodes of the compute hosts. */
import { createHash } from 'node:crypto'
import { fromDateTime, toDateTime } from '../../oslo/database/datetime.ts'
import { dumps } from '../../oslo/python-json.ts'
import type { Service } from '../../stores/cell/services.ts'
import type { Cell } from '../../stores/cells.ts'
import type { ApiStore } from '../../stores/stores.ts'
import type { HostResources } from '../drivers/hypervisor.ts'
import type { Clock, Ids } from '../service.ts'
import type { CellSettings } from './settings.ts'

/** What Nova 33 writes of itself. nova/objects/service.py SERVICE_VERSION */
const version = 72

export interface Registry {
  /** Beside its conductor it has the scheduler. */
  readonly leads: boolean
  readonly api: ApiStore
  readonly cell: Cell
  readonly settings: CellSettings
  /** Hosts that say nothing. */
  readonly isDown: (host: string) => boolean
  readonly clock: Clock
  readonly ids: Ids
}

interface Kind {
  readonly binary: string
  readonly topic: string
}
const conductor: Kind = { binary: 'nova-conductor', topic: 'conductor' }
const scheduler: Kind = { binary: 'nova-scheduler', topic: 'scheduler' }
const compute: Kind = { binary: 'nova-compute', topic: 'compute' }

/** Makes the rows that are not there yet, and notes that all of them are up. Resolves with the ids of the nodes, by host. */
export async function register(registry: Registry, resources: ReadonlyMap<string, HostResources>): Promise<Map<string, number>> {
  const { settings, cell, api, leads } = registry
  for (const kind of leads ? [conductor, scheduler] : [conductor]) await signOn(registry, kind, settings.controller)
  const nodes = new Map<string, number>()
  for (const { name } of settings.hosts) {
    const serviceId = await signOn(registry, compute, name)
    nodes.set(name, await node(registry, name, serviceId, resources.get(name)!))
    await api.hostMappings.create(name, cell.id)
  }
  return nodes
}

async function signOn({ cell, clock, ids, isDown }: Registry, { binary, topic }: Kind, host: string): Promise<number> {
  const alive = { lastSeenUp: toDateTime(clock.now()), version }
  const known = await cell.services.find(host, binary)
  if (known && isDown(host)) return known.id
  if (known) {
    await cell.services.update(known.id, { ...alive, reportCount: known.reportCount + 1 })
    return known.id
  }
  const id = await cell.services.create({ host, binary, topic, uuid: ids.uuid(), reportCount: 0, ...alive })
  // its first sign of life, which says when the row was changed
  await cell.services.update(id, { ...alive, reportCount: 1 })
  return id
}

/** Again up, in one sentence of SQL a service: what an operator has set stays. */
export async function signOfLife({ cell, clock, settings, isDown }: Registry): Promise<void> {
  const hosts = [settings.controller, ...settings.hosts.map(({ name }) => name).filter((name) => !isDown(name))]
  const binaries = new Set([conductor.binary, scheduler.binary, compute.binary])
  for (const service of await cell.services.list())
    if (hosts.includes(service.host!) && binaries.has(service.binary!))
      await cell.services.update(service.id, { lastSeenUp: toDateTime(clock.now()), reportCount: service.reportCount + 1 })
}

// nova/compute/resource_tracker.py ResourceTracker._init_compute_node; the row of a node outlives its process
async function node({ cell, settings }: Registry, host: string, serviceId: number, resources: HostResources): Promise<number> {
  const known = await cell.computeNodes.find(host, host)
  const facts = {
    serviceId,
    host,
    hypervisorHostname: host,
    hypervisorType: resources.type,
    hypervisorVersion: resources.version,
    hostIp: settings.hostIp,
    vcpus: resources.vcpus,
    memoryMb: resources.memoryMb,
    localGb: resources.diskGb,
    // until 2.27 the API shows it as it is kept
    cpuInfo: dumps(resources.cpu),
    diskAvailableLeast: resources.diskAvailableLeast,
    supportedInstances: JSON.stringify(resources.supports),
    ramAllocationRatio: settings.ramRatio,
    cpuAllocationRatio: settings.cpuRatio,
    diskAllocationRatio: settings.diskRatio,
    mapped: 1,
  }
  if (known) {
    await cell.computeNodes.update(known.id, facts)
    return known.id
  }
  return cell.computeNodes.create({
    ...facts,
    uuid: nodeUuid(host),
    vcpusUsed: 0,
    memoryMbUsed: settings.reservedMemoryMb,
    localGbUsed: 0,
    freeRamMb: resources.memoryMb - settings.reservedMemoryMb,
    freeDiskGb: resources.diskGb,
    currentWorkload: 0,
    runningVms: 0,
    pciStats: noPciDevices,
    metrics: '[]',
    stats: '{"failed_builds":"0"}',
  })
}

const noPciDevices = JSON.stringify({
  'nova_object.name': 'PciDevicePoolList',
  'nova_object.namespace': 'nova',
  'nova_object.version': '1.1',
  'nova_object.data': { objects: [] },
  'nova_object.changes': ['objects'],
})

/** The same for the same host, whenever it is asked for: others remember it. */
function nodeUuid(host: string): string {
  const hex = createHash('sha256').update(`compute node ${host}`).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

/** nova/servicegroup/drivers/db.py DbDriver.is_up */
export function isUp(service: Service | undefined, clock: Clock, downSeconds: number): boolean {
  if (!service || service.forcedDown) return false
  const seen = service.lastSeenUp ?? service.updatedAt ?? service.createdAt
  return seen !== null && Math.abs(clock.now() - fromDateTime(seen)) <= downSeconds * 1000
}
