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
import type { ConnectedPeers } from '../../peers/peers.ts'
import { cell0Uuid } from '../../stores/api/mappings.ts'
import type { Cell } from '../../stores/cells.ts'
import type { Stores } from '../../stores/stores.ts'
import { faulty, type GuestAction } from '../drivers/faulty.ts'
import type { Hypervisor } from '../drivers/hypervisor.ts'
import { simulated } from '../drivers/simulated.ts'
import type { Clock, Ids } from '../service.ts'
import { tellAllocations } from './allocations.ts'
import { openExpectations } from './expectations.ts'
import { openFaults } from './faults.ts'
import { adoptGuests } from './guests.ts'
import { introduce } from './introduce.ts'
import { hostServers, listen } from './listen.ts'
import { openMoveOrders } from './move-orders.ts'
import { type CellCore, type CellParts, type Host, hostsUp } from './parts.ts'
import { openScheduler } from './scheduler/select.ts'
import { register } from './services.ts'
import { type CellOptions, cellSettings, type HostSpec, scaled } from './settings.ts'
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
  readonly peers: Pick<ConnectedPeers, 'neutron' | 'glance' | 'cinder' | 'placement' | 'hostPlacement'>
  readonly settings?: CellOptions
  readonly clock: Clock
  readonly ids: Ids
  /** From 0 up to 1. */
  readonly random: () => number
  readonly log: Log
  /** Where faults that people set are kept; until the end of the process when absent. */
  readonly faultsFile?: string
  /** A hypervisor for a host; a simulated one when absent. */
  readonly hypervisor?: (host: HostSpec) => Hypervisor
}

export interface CellsStart extends Omit<CellStart, 'driver' | 'cell'> {
  /** `settings` are its own, beside those of all. */
  readonly cells: readonly (Pick<CellStart, 'driver' | 'cell'> & { readonly settings?: CellOptions })[]
}

export interface RunningCell {
  /** Takes no more messages, ends what is in work and resolves. */
  stop(): Promise<void>
  /** Looks at once for what nobody works on; otherwise that is done every `sweepSeconds`. */
  sweep(): Promise<void>
}

/** Resolves when the cell takes messages. Throws when there is no such cell, or no cell0. */
export const startCell = ({ driver, cell, ...start }: CellStart): Promise<RunningCell> =>
  startCells({ ...start, cells: [{ driver, cell }] })

/** The same for several cells, the first of which leads: it has the scheduler, and the conductor that the API talks to. */
export async function startCells(start: CellsStart): Promise<RunningCell> {
  const all = await assemble(start)
  const ends: (() => Promise<unknown>)[] = []
  for (const { parts, driver } of all) {
    await adoptGuests(parts)
    const servers = await listen(parts, driver)
    await Promise.all(hostsUp(parts).map((host) => parts.servers.open(host)))
    ends.push(() => Promise.all([...servers, parts.servers].map((server) => server.stop())))
  }
  const introduction = introduce(all.map(({ parts }) => parts))
  await Promise.race([introduction.over, all[0]!.parts.wait(introductionMs)])
  const timers = all.map(({ parts }) => keepTime(parts))
  return {
    sweep: async () => void (await Promise.all(all.map(({ parts }) => sweep(parts)))),
    async stop() {
      await introduction.stop()
      await Promise.all(timers.map((each) => each.stop()))
      await Promise.all(ends.map((end) => end()))
      for (const { parts } of all) {
        await parts.work.idle()
        await parts.usage.stop()
        await parts.rpc.close()
      }
    },
  }
}

/** How long the start waits for Placement, which may be starting itself. */
const introductionMs = 5000

interface Assembled {
  readonly parts: CellParts
  readonly driver: Driver
}

async function assemble({ cells: specs, ...start }: CellsStart): Promise<Assembled[]> {
  const { stores, peers, clock, ids, random, log } = start
  const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))
  const faults = openFaults({ file: start.faultsFile, wait })
  const shared = {
    api: stores.api,
    neutron: peers.neutron,
    glance: peers.glance,
    cinder: peers.cinder,
    placement: peers.placement,
    hostPlacement: peers.hostPlacement,
    clock,
    ids,
    random,
    log,
    wait,
    faults,
    work: openWork(),
    expectations: openExpectations(),
  }
  const cores: (CellCore & { readonly hosts: Map<string, Host> })[] = []
  for (const [index, { driver, cell, settings }] of specs.entries()) {
    const hosts = new Map<string, Host>()
    const all = cellSettings({ ...start.settings, ...settings })
    const report = (error: unknown) => log.error('How full the hosts are could not be noted', { error })
    const found = await findCells(stores, cell)
    cores.push({
      ...shared,
      ...found,
      settings: all,
      leads: index === 0,
      rpc: rpcClient(driver, { report: (error) => log.warning('A message could not be read', { error }) }),
      hosts,
      servers: hostServers(hosts, driver, { log, wait }),
      usage: trackUsage({
        cell: found.cell,
        reservedMemoryMb: all.reservedMemoryMb,
        report,
        tell: (names) => tellAllocations({ ...shared, ...found }, names),
      }),
      moveOrders: openMoveOrders(),
    })
  }
  const [first, ...others] = cores
  if (!first) throw new Error('there is no cell to start')
  const scheduler = openScheduler([first, ...others])
  const cells = new Map<string, CellParts>()
  for (const core of cores) cells.set(core.cell.uuid, { ...core, scheduler, cells })
  for (const { hosts, cell } of cores) await addHosts(cells.get(cell.uuid)!, hosts, start.hypervisor)
  return specs.map(({ driver }, index) => ({ driver, parts: cells.get(cores[index]!.cell.uuid)! }))
}

/** The hosts of a cell, with their rows in its database. */
async function addHosts(parts: CellParts, hosts: Map<string, Host>, hypervisor: CellStart['hypervisor']): Promise<void> {
  const { settings, wait, ids, faults } = parts
  const times = scaled(settings.timings)
  const make = hypervisor ?? (({ size }) => simulated({ wait, times, ids, ...(size && { size }) }))
  const hypervisors = settings.hosts.map((spec) => [spec.name, faulty(make(spec), meeting(parts, spec.name))] as const)
  const resources = new Map(hypervisors.map(([name, one]) => [name, one.resources()]))
  const nodes = await register({ ...parts, isDown: faults.isDown }, resources)
  for (const [name, one] of hypervisors) hosts.set(name, { ...parts, name, hypervisor: one, nodeId: nodes.get(name)! })
}

/** What the faults that are set make of an action on a host. */
const meeting =
  ({ cell, faults }: CellParts, host: string) =>
  (action: GuestAction, uuid: string): Promise<void> =>
    faults.meet({
      action,
      host,
      uuid,
      async server() {
        const [server, metadata] = await Promise.all([cell.servers.find(uuid), cell.metadata.of([uuid])])
        return { name: server?.displayName ?? null, metadata: metadata.get(uuid) ?? {} }
      },
    })

async function findCells({ cells }: Stores, wanted: string): Promise<{ cell: Cell; cell0: Cell }> {
  const all = await cells.all()
  const cell = all.find(({ uuid, name }) => uuid === wanted || name === wanted)
  const cell0 = all.find(({ uuid }) => uuid === cell0Uuid)
  if (!cell) throw new Error(`there is no cell ${wanted}, or its database cannot be opened`)
  if (!cell0) throw new Error('there is no cell0, or its database cannot be opened')
  return { cell, cell0 }
}
