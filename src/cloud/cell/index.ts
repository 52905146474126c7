/**
 * The embedded cell: one process that is nova-conductor, nova-scheduler and some nova-computes. It takes Nova's own messages, works on Nova's own
 * databases, and drives simulated hypervisors.
 *
 *     const cell = await startCell({ driver, stores, cell: 'cell1', peers, settings: { hosts: [{ name: 'fake1' }] }, clock, ids, random, log })
 *     await cell.stop()
 */

import type { Log } from '../../oslo/log.ts'
import type { Driver } from '../../oslo/messaging/driver.ts'
import { rpcClient } from '../../oslo/messaging/rpc-client.ts'
import type { Peers } from '../../peers/peers.ts'
import { cell0Uuid } from '../../stores/api/mappings.ts'
import type { Cell } from '../../stores/cells.ts'
import type { Stores } from '../../stores/stores.ts'
import type { Hypervisor } from '../drivers/hypervisor.ts'
import { simulated } from '../drivers/simulated.ts'
import type { Clock, Ids } from '../service.ts'
import { openExpectations } from './expectations.ts'
import { adoptGuests } from './guests.ts'
import { listen } from './listen.ts'
import type { CellCore, CellParts, Host } from './parts.ts'
import { openScheduler } from './scheduler/select.ts'
import { register } from './services.ts'
import { type CellOptions, type CellSettings, cellSettings, type HostSpec, scaled } from './settings.ts'
import { sweep } from './sweep/index.ts'
import { keepTime } from './timers.ts'
import { trackUsage } from './usage.ts'
import { openWork } from './work.ts'

export type { CellOptions, CellSettings, ConsoleProxies, HostSpec, Timings } from './settings.ts'

export interface CellStart {
  /** To the message broker. It stays open when the cell stops. */
  readonly driver: Driver
  readonly stores: Stores
  /** The UUID or the name of the cell that it serves. */
  readonly cell: string
  readonly peers: Pick<Peers, 'neutron' | 'glance' | 'cinder'>
  readonly settings?: CellOptions
  readonly clock: Clock
  readonly ids: Ids
  /** From 0 up to 1. */
  readonly random: () => number
  readonly log: Log
  /** A hypervisor for a host; a simulated one when absent. */
  readonly hypervisor?: (host: HostSpec) => Hypervisor
}

export interface RunningCell {
  /** Takes no more messages, ends what is in work and resolves. */
  stop(): Promise<void>
  /** Looks at once for what nobody works on; otherwise that is done every `sweepSeconds`. */
  sweep(): Promise<void>
}

/** Resolves when the cell takes messages. Throws when there is no such cell, or no cell0. */
export async function startCell(start: CellStart): Promise<RunningCell> {
  const parts = await assemble(start, cellSettings(start.settings))
  await adoptGuests(parts)
  const servers = await listen(parts, start.driver)
  for (const host of parts.hosts.keys()) parts.usage.touch(host)
  const timers = keepTime(parts)
  return {
    sweep: () => sweep(parts),
    async stop() {
      await timers.stop()
      await Promise.all(servers.map((server) => server.stop()))
      await parts.work.idle()
      await parts.usage.stop()
      await parts.rpc.close()
    },
  }
}

async function assemble(start: CellStart, settings: CellSettings): Promise<CellParts> {
  const { driver, stores, peers, clock, ids, random, log } = start
  const { cell, cell0 } = await findCells(stores, start.cell)
  const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))
  const times = scaled(settings.timings)
  const make = start.hypervisor ?? (({ size }) => simulated({ wait, times, ids, ...(size && { size }) }))
  const hypervisors = new Map(settings.hosts.map((host) => [host.name, make(host)]))
  const resources = new Map([...hypervisors].map(([name, hypervisor]) => [name, hypervisor.resources()]))
  const nodes = await register({ api: stores.api, cell, settings, clock, ids }, resources)
  const report = (error: unknown) => log.error('How full the hosts are could not be noted', { error })
  const hosts = new Map<string, Host>()
  const core: CellCore = {
    settings,
    api: stores.api,
    cell,
    cell0,
    neutron: peers.neutron,
    glance: peers.glance,
    cinder: peers.cinder,
    rpc: rpcClient(driver, { report: (error) => log.warning('A message could not be read', { error }) }),
    clock,
    ids,
    random,
    log,
    work: openWork(),
    expectations: openExpectations(),
    wait,
    hosts,
    usage: trackUsage({ cell, reservedMemoryMb: settings.reservedMemoryMb, report }),
    abortedMoves: new Set(),
  }
  const parts: CellParts = { ...core, scheduler: openScheduler(core) }
  for (const [name, hypervisor] of hypervisors) hosts.set(name, { ...parts, name, hypervisor, nodeId: nodes.get(name)! })
  return parts
}

async function findCells({ cells }: Stores, wanted: string): Promise<{ cell: Cell; cell0: Cell }> {
  const all = await cells.all()
  const cell = all.find(({ uuid, name }) => uuid === wanted || name === wanted)
  const cell0 = all.find(({ uuid }) => uuid === cell0Uuid)
  if (!cell) throw new Error(`there is no cell ${wanted}, or its database cannot be opened`)
  if (!cell0) throw new Error('there is no cell0, or its database cannot be opened')
  return { cell, cell0 }
}
