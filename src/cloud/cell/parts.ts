/** What everything in a cell works with, handed down from where it starts. */
import type { Log } from '../../oslo/log.ts'
import type { RpcClient } from '../../oslo/messaging/rpc-client.ts'
import type { Cinder } from '../../peers/cinder.ts'
import type { Glance } from '../../peers/glance.ts'
import type { Neutron } from '../../peers/neutron.ts'
import type { Placement } from '../../peers/placement.ts'
import type { HostPlacement } from '../../peers/placement-hosts.ts'
import type { Cell } from '../../stores/cells.ts'
import type { ApiStore } from '../../stores/stores.ts'
import type { Hypervisor } from '../drivers/hypervisor.ts'
import type { Clock, Ids } from '../service.ts'
import type { Expectations } from './expectations.ts'
import type { Faults } from './faults.ts'
import type { MoveOrders } from './move-orders.ts'
import type { Scheduler } from './scheduler/select.ts'
import type { CellSettings } from './settings.ts'
import type { HostServers } from './switch.ts'
import type { UsageTracker } from './usage.ts'
import type { Work } from './work.ts'

/** All but the scheduler, which works with it. */
export interface CellCore {
  readonly settings: CellSettings
  readonly api: ApiStore
  readonly cell: Cell
  /** It looks after what is in no cell yet, or in none any more. */
  readonly leads: boolean
  /** Where servers go that no host could take. */
  readonly cell0: Cell
  readonly neutron: Neutron
  readonly glance: Glance
  readonly cinder: Cinder
  readonly placement: Placement
  readonly hostPlacement: HostPlacement
  readonly rpc: RpcClient
  readonly clock: Clock
  readonly ids: Ids
  /** From 0 up to 1. */
  readonly random: () => number
  readonly log: Log
  readonly work: Work
  readonly expectations: Expectations
  /** Resolves after so many milliseconds. */
  readonly wait: (milliseconds: number) => Promise<void>
  /** By name; all hosts of the cell are in this process. */
  readonly hosts: ReadonlyMap<string, Host>
  readonly usage: UsageTracker
  readonly faults: Faults
  /** What takes the messages of the hosts. */
  readonly servers: HostServers
  /** Of live migrations. */
  readonly moveOrders: MoveOrders
}

export interface CellParts extends CellCore {
  /** One for all cells. */
  readonly scheduler: Scheduler
  /** All cells of this process, this one too, by UUID. */
  readonly cells: ReadonlyMap<string, CellParts>
}

/** One compute host. */
export interface Host extends CellParts {
  readonly name: string
  readonly hypervisor: Hypervisor
  /** Of its row in compute_nodes. */
  readonly nodeId: number
}

/** The names of the hosts that are not down on purpose. */
export const hostsUp = ({ hosts, faults }: CellCore): string[] => [...hosts.keys()].filter((name) => !faults.isDown(name))

/** A stage of something longer, so that it can be seen. */
export const stage = ({ wait, settings }: CellCore): Promise<void> => wait(settings.timings.stage * settings.timings.scale)
