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
import { type Endpoint, pingEndpoint, type RpcServer, rpcServer } from '../../oslo/messaging/rpc-server.ts'
import type { Peers } from '../../peers/peers.ts'
import { cell0Uuid } from '../../stores/api/mappings.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Cell } from '../../stores/cells.ts'
import type { Stores } from '../../stores/stores.ts'
import { type Hypervisor, power } from '../drivers/hypervisor.ts'
import { simulated } from '../drivers/simulated.ts'
import type { Clock, Ids } from '../service.ts'
import { computeEndpoints } from './compute/index.ts'
import { conductorEndpoints } from './conductor/index.ts'
import { isConflict, isGone } from './errors.ts'
import type { CellCore, CellParts, Host } from './parts.ts'
import { schedulerEndpoints } from './scheduler/index.ts'
import { openScheduler } from './scheduler/select.ts'
import { guestOf } from './server.ts'
import { register, signOfLife } from './services.ts'
import { type CellOptions, type CellSettings, cellSettings, type HostSpec, scaled } from './settings.ts'
import { sweep } from './sweep/index.ts'
import { healer } from './sweep/periodic.ts'
import { trackUsage } from './usage.ts'
import { openWork } from './work.ts'

export type { CellOptions, CellSettings, ConsoleProxies, HostSpec, Timings } from './settings.ts'

export interface CellStart {
  /** To the message broker. It stays open when the cell stops. */
  readonly driver: Driver
  readonly stores: Stores
  /** The UUID or the name of the cell that it serves. */
  readonly cell: string
  readonly peers: Pick<Peers, 'neutron' | 'glance'>
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
  const settings = cellSettings(start.settings)
  const parts = await assemble(start, settings)
  await adoptGuests(parts)
  const servers = await listen(parts, start.driver)
  for (const host of parts.hosts.keys()) parts.usage.touch(host)
  const timers = keepTime(parts)
  return {
    sweep: () => sweep(parts),
    async stop() {
      timers.stop()
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
    rpc: rpcClient(driver, { report: (error) => log.warning('A message could not be read', { error }) }),
    clock,
    ids,
    random,
    log,
    work: openWork(),
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

/** The servers that are on the hosts according to the database are what a simulated hypervisor finds when it starts. */
async function adoptGuests({ cell, hosts }: CellParts): Promise<void> {
  const order = [{ column: 'id', direction: 'asc' as const }]
  const servers = await cell.servers.list({ deleted: false, softDeleted: true, anyOf: { host: [...hosts.keys()] } }, { order })
  for (const server of servers) if (isGuest(server)) hosts.get(server.host!)!.hypervisor.adopt(guestOf(server), stateOf(server))
}

const unbuilt = new Set(['building', 'deleted', 'shelved_offloaded'])
const isGuest = ({ vmState, launchedAt }: Server): boolean => !unbuilt.has(vmState ?? '') && launchedAt !== null

const stateOf = ({ powerState, vmState }: Server) =>
  powerState === power.shutdown || (powerState === power.nostate && vmState === 'stopped') ? power.shutdown : power.running

/** On every topic that nova-api and the parts of a cell send to. */
function listen(parts: CellParts, driver: Driver): Promise<RpcServer[]> {
  const { log, settings, hosts } = parts
  const report = (error: unknown, method: string) => {
    if (isGone(error) || isConflict(error)) log.info(`${method}: ${(error as Error).message}`)
    else log.error(`Exception during message handling: ${method}`, { error })
  }
  const on = (topic: string, server: string, endpoints: Endpoint[]) =>
    rpcServer({ driver, topic, server, endpoints: [...endpoints, pingEndpoint], report })
  return Promise.all([
    on('conductor', settings.controller, conductorEndpoints(parts)),
    on('scheduler', settings.controller, schedulerEndpoints(parts)),
    ...[...hosts.values()].flatMap((host) => {
      const endpoints = computeEndpoints(host)
      return [on('compute', host.name, endpoints), on('compute-alt', host.name, endpoints)]
    }),
  ])
}

/** Signs of life, and looking after what was left. */
function keepTime(parts: CellParts): { stop(): void } {
  const { settings, log } = parts
  const timers: NodeJS.Timeout[] = []
  const every = (seconds: number, what: string, work: () => Promise<void>) => {
    if (seconds <= 0) return
    let busy = false
    const timer = setInterval(() => {
      if (busy) return
      busy = true
      work()
        .catch((error) => log.error(`${what} failed`, { error }))
        .finally(() => {
          busy = false
        })
    }, seconds * 1000)
    timers.push(timer)
  }
  every(settings.heartbeatSeconds, 'A sign of life', () => signOfLife(parts))
  every(settings.sweepSeconds, 'Clearing up', () => sweep(parts))
  every(settings.healSeconds, 'Looking at networks', healer(parts))
  // what a crash has left is old enough a moment after the start
  for (const seconds of [0, settings.graceSeconds + 1])
    timers.push(setTimeout(() => sweep(parts).catch((error) => log.error('Clearing up failed', { error })), seconds * 1000))
  return { stop: () => timers.forEach(clearInterval) }
}
