/** What everything in a cell works with, handed down from where it starts. */

import type { Log } from '../../oslo/log.ts'
import type { RpcClient } from '../../oslo/messaging/rpc-client.ts'
import type { Cinder } from '../../peers/cinder.ts'
import type { Glance } from '../../peers/glance.ts'
import type { Neutron } from '../../peers/neutron.ts'
import type { Cell } from '../../stores/cells.ts'
import type { ApiStore } from '../../stores/stores.ts'
import type { Hypervisor } from '../drivers/hypervisor.ts'
import type { Clock, Ids } from '../service.ts'
import type { Expectations } from './expectations.ts'
import type { Scheduler } from './scheduler/select.ts'
import type { CellSettings } from './settings.ts'
import type { UsageTracker } from './usage.ts'
import type { Work } from './work.ts'

/** All but the scheduler, which works with it. */
export interface CellCore {
  readonly settings: CellSettings
  readonly api: ApiStore
  readonly cell: Cell
  /** Where servers go that no host could take. */
  readonly cell0: Cell
  readonly neutron: Neutron
  readonly glance: Glance
  readonly cinder: Cinder
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
  /** By name; all of them in this process. */
  readonly hosts: ReadonlyMap<string, Host>
  readonly usage: UsageTracker
  /** Live migrations that somebody wants ended, by their ids. */
  readonly abortedMoves: Set<number>
}

export interface CellParts extends CellCore {
  readonly scheduler: Scheduler
}

/** One compute host. */
export interface Host extends CellParts {
  readonly name: string
  readonly hypervisor: Hypervisor
  /** Of its row in compute_nodes. */
  readonly nodeId: number
}

/** A stage of something longer, so that it can be seen. */
export const stage = ({ wait, settings }: CellCore): Promise<void> => wait(settings.timings.stage * settings.timings.scale)
