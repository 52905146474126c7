/** The hosts of the cell as the scheduler sees them: what they have, what is taken, and which rules of aggregates hold there. */
import type { Aggregate } from '../../../stores/api/aggregates.ts'
import type { ComputeNode, Service } from '../../../stores/cell/services.ts'
import type { Capabilities } from '../../drivers/hypervisor.ts'
import type { CellCore } from '../parts.ts'
import { isUp } from '../services.ts'
import { ioWorkload, type Taken, usage } from '../usage.ts'

export interface HostState {
  readonly host: string
  /** The UUID of its cell. */
  readonly cell: string
  readonly node: ComputeNode
  readonly service: Service | undefined
  readonly up: boolean
  /** The availability zone. */
  readonly zone: string
  readonly aggregates: readonly Aggregate[]
  readonly capabilities: Capabilities | undefined
  /** What it may give out in all, with its allocation ratios and without what is reserved. */
  readonly capacity: Taken
  readonly taken: Taken
  readonly servers: number
  readonly ioWorkload: number
  readonly failedBuilds: number
}

const none: Taken = { memoryMb: 0, vcpus: 0, diskGb: 0 }

/** All nodes of these cells, in the order of their making. */
export async function hostStates(cells: readonly CellCore[]): Promise<HostState[]> {
  const aggregates = (await cells[0]?.api.aggregates.list()) ?? []
  return (await Promise.all(cells.map((core) => statesIn(core, aggregates)))).flat()
}

async function statesIn(parts: CellCore, aggregates: readonly Aggregate[]): Promise<HostState[]> {
  const { cell, clock, settings } = parts
  const [nodes, services, used] = await Promise.all([cell.computeNodes.list(), cell.services.list(), usage(cell)])
  return nodes.map((node) => {
    const host = node.host!
    const service = services.find((one) => one.host === host && one.binary === 'nova-compute')
    const mine = aggregates.filter(({ hosts }) => hosts.includes(host))
    const use = used.get(host)
    return {
      host,
      cell: cell.uuid,
      node,
      service,
      up: isUp(service, clock, settings.serviceDownSeconds),
      zone: mine.find(({ metadata }) => metadata.availability_zone)?.metadata.availability_zone ?? settings.defaultZone,
      aggregates: mine,
      capabilities: parts.hosts.get(host)?.hypervisor.capabilities,
      capacity: {
        memoryMb: (node.memoryMb - settings.reservedMemoryMb) * (node.ramAllocationRatio ?? 1),
        vcpus: node.vcpus * (node.cpuAllocationRatio ?? 1),
        diskGb: node.localGb * (node.diskAllocationRatio ?? 1),
      },
      taken: use ?? none,
      servers: use?.servers ?? 0,
      ioWorkload: ioWorkload(use?.occupants ?? []),
      failedBuilds: parts.usage.failedBuilds(host),
    }
  })
}

/** The zone of a host. nova/availability_zones.py get_host_availability_zone */
export async function zoneOf({ api, settings }: CellCore, host: string): Promise<string> {
  return (await api.aggregates.zonesOfHosts()).get(host) ?? settings.defaultZone
}

/** A host with more taken. */
export const occupied = (state: HostState, more: Taken): HostState => ({
  ...state,
  taken: {
    memoryMb: state.taken.memoryMb + more.memoryMb,
    vcpus: state.taken.vcpus + more.vcpus,
    diskGb: state.taken.diskGb + more.diskGb,
  },
  servers: state.servers + 1,
})
