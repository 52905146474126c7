/** Hosts as Placement knows them: what each has and can do. nova/compute/resource_tracker.py ResourceTracker._update_to_placement */
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import type { Inventories } from '../../peers/placement.ts'
import type { HostResources } from '../drivers/hypervisor.ts'
import { type CellParts, hostsUp } from './parts.ts'
import type { CellSettings } from './settings.ts'

/** Those that are not down. One whose node an operator has removed is left out. While Placement cannot be reached nothing happens. */
export async function reportHosts(parts: CellParts): Promise<void> {
  try {
    await report(parts)
  } catch (error) {
    if (!(error instanceof PeerError) || error.kind !== 'unreachable') throw error
    parts.log.debug(`Placement cannot be told of hosts yet: ${error.message}`)
  }
}

/** The same; rejects with a `PeerError`. */
export async function report(parts: CellParts): Promise<void> {
  const { cell, hosts, settings, log, placement } = parts
  for (const name of hostsUp(parts)) {
    const { hypervisor } = hosts.get(name)!
    const node = await cell.computeNodes.find(name, name)
    const service = await cell.services.find(name, 'nova-compute')
    if (!node?.uuid || !service) continue
    const disabled = service.disabled ? ['COMPUTE_STATUS_DISABLED'] : []
    const host = {
      uuid: node.uuid,
      name,
      inventories: inventoriesOf(hypervisor.resources(), settings),
      traits: [...hypervisor.capabilities.traits, ...disabled],
    }
    if (!(await placement.report(host))) log.info(`The resource provider of ${name} was changed meanwhile`)
  }
}

function inventoriesOf({ vcpus, memoryMb, diskGb }: HostResources, settings: CellSettings): Inventories {
  const of = (total: number, allocation_ratio: number, reserved = 0) => ({
    total,
    reserved,
    min_unit: 1,
    max_unit: total,
    step_size: 1,
    allocation_ratio,
  })
  return {
    VCPU: of(vcpus, settings.cpuRatio),
    MEMORY_MB: of(memoryMb, settings.ramRatio, settings.reservedMemoryMb),
    DISK_GB: of(diskGb, settings.diskRatio),
  }
}
