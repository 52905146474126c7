/** New servers: from requests in nova_api to a server in the cell and a host that builds it. nova/conductor/manager.py ComputeTaskManager */
import type { RequestContext } from '../../../oslo/context.ts'
import type { WireObject } from '../../../oslo/objects/object.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { RequestSpec } from '../../../stores/objects/request-spec.ts'
import { Selection } from '../../../stores/objects/selection.ts'
import type { Args } from '../compute/method.ts'
import { isGone, nova } from '../errors.ts'
import { addFault } from '../events.ts'
import { findHome, homeOf } from '../home.ts'
import { deallocate } from '../network/release.ts'
import type { CellParts } from '../parts.ts'
import { zoneOf } from '../scheduler/hosts.ts'
import { nowhere, save } from '../server.ts'
import { compute } from '../targets.ts'
import { blockDevicesToWire, instanceToWire, requestedOf, requestSpecOf } from '../wire.ts'
import { birthOf } from './birth.ts'
import { bury } from './bury.ts'
import { countAttempt, type FilterProperties, filterProperties } from './retries.ts'
import type { TaskJob } from './task.ts'

interface Order {
  readonly uuid: string
  readonly spec: RequestSpec
  /** The UUID of the cell that has it already, after a crash. */
  readonly within?: string | undefined
}

/** The servers that a message asks for. */
export const orderedUuids = ({ build_requests: requests }: Args): string[] =>
  (requests as WireObject[]).map((request) => request['nova_object.data'].instance_uuid as string)

/** Where a server stands between the request for it and its host. */
type Stage =
  /** Deleted before it was anywhere. */
  | { readonly is: 'gone' }
  /** Some host has it, or it is buried. */
  | { readonly is: 'done' }
  | { readonly is: 'requested' }
  /** In the cell, yet no host may know of it. */
  | { readonly is: 'born'; readonly server: Server; readonly home: CellParts }

async function stageOf(parts: CellParts, uuid: string): Promise<Stage> {
  const { api, cell0 } = parts
  const home = await homeOf(parts, uuid)
  const server = await home.cell.servers.find(uuid, { deletedToo: true })
  if (server) {
    const waits = server.deleted === 0 && server.vmState === 'building' && server.taskState === 'scheduling' && server.host === null
    return waits ? { is: 'born', server, home } : { is: 'done' }
  }
  if (await api.requests.find(uuid)) return { is: 'requested' }
  return (await cell0.servers.find(uuid, { deletedToo: true })) ? { is: 'done' } : { is: 'gone' }
}

export async function scheduleAndBuild(parts: CellParts, { context, args }: TaskJob): Promise<void> {
  const orders = orderedUuids(args).map((uuid, i): Order => ({ uuid, spec: requestSpecOf((args.request_specs as unknown[])[i])! }))
  const open: Order[] = []
  for (const order of orders) {
    const stage = await stageOf(parts, order.uuid)
    if (stage.is === 'gone') await forget(parts, order.uuid)
    else if (stage.is !== 'done') open.push(stage.is === 'born' ? { ...order, within: stage.home.cell.uuid } : order)
  }
  for (const within of new Set(open.map((order) => order.within)))
    await place(
      parts,
      open.filter((order) => order.within === within),
      { context, args },
    )
}

/** Finds hosts for servers that may all be in the same cells. */
async function place(parts: CellParts, orders: readonly Order[], { context, args }: Pick<TaskJob, 'context' | 'args'>): Promise<void> {
  const [{ spec, within }] = orders as [Order]
  let choices: Selection[][]
  try {
    const uuids = orders.map(({ uuid }) => uuid)
    choices = await parts.scheduler.select(spec, uuids, { alternates: true, within })
  } catch (error) {
    for (const { uuid } of orders) await parts.work.inTurn(uuid, () => buryOrFail(parts, context, uuid, error))
    return
  }
  for (const [i, order] of orders.entries())
    await parts.work.inTurn(order.uuid, () => buildOne(parts, { context, args, order, hosts: choices[i]! }))
}

/** The mapping of a server that never was. */
async function forget({ api }: CellParts, uuid: string): Promise<void> {
  const mapping = await api.serverMappings.find(uuid)
  if (mapping && mapping.cellId === null) await api.serverMappings.remove(uuid)
}

async function buryOrFail(parts: CellParts, context: RequestContext, uuid: string, error: unknown): Promise<void> {
  const home = await findHome(parts, uuid)
  const server = await home?.cell.servers.find(uuid)
  if (home && server) await failed(home, context, server, error, null)
  else await bury(parts, context, uuid, error)
}

interface Placement {
  readonly context: RequestContext
  readonly args: Args
  readonly order: Order
  /** The first is chosen, the others are to be tried when it fails. */
  readonly hosts: readonly Selection[]
}

async function buildOne(parts: CellParts, { context, args, order: { uuid, spec }, hosts }: Placement): Promise<void> {
  const { api, ids } = parts
  const [chosen, ...others] = hosts as [Selection, ...Selection[]]
  const { cell } = parts.cells.get(chosen.cell_uuid!) ?? parts
  const request = await api.requests.find(uuid)
  if (request) {
    await cell.births.create(birthOf({ request, context, ids, zone: chosen.availability_zone ?? null }))
    await api.serverMappings.update(uuid, { cellId: cell.id })
    // who removes the request has the server: its user may have been faster
    if (!(await api.requests.remove(uuid))) await cell.servers.destroy(uuid)
  }
  const stage = await stageOf(parts, uuid)
  if (stage.is === 'gone') await forget(parts, uuid)
  if (stage.is !== 'born') return parts.scheduler.settled(uuid)
  const filters = filterProperties(spec)
  countAttempt(filters, uuid, parts.settings.maxAttempts)
  await castBuild(stage.home, context, {
    server: stage.server,
    host: chosen,
    others,
    filters,
    image: args.image,
    request_spec: spec,
    admin_password: args.admin_password,
    injected_files: args.injected_files,
    requested_networks: args.requested_networks,
    security_groups: groupsOf(spec),
  })
}

/** nova/objects/security_group.py SecurityGroup.identifier */
const groupsOf = (spec: RequestSpec): string[] => (spec.security_groups?.objects ?? []).map(({ uuid, name }) => (uuid || name)!)

interface Build {
  readonly server: Server
  readonly host: Selection
  readonly others: readonly Selection[]
  readonly filters: FilterProperties
  readonly image: unknown
  readonly request_spec: RequestSpec
  readonly admin_password: unknown
  readonly injected_files: unknown
  readonly requested_networks: unknown
  readonly security_groups: unknown
}

async function castBuild(parts: CellParts, context: RequestContext, build: Build): Promise<void> {
  const { server, host, others, filters, request_spec, ...rest } = build
  const { service_host, nodename } = host
  filters.retry?.hosts.push([service_host!, nodename!])
  const devices = (await parts.cell.blockDevices.of([server.uuid])).get(server.uuid) ?? []
  await parts.rpc.cast(compute(service_host!), context, 'build_and_run_instance', {
    ...rest,
    instance: instanceToWire(server),
    request_spec: RequestSpec.toWire(request_spec),
    filter_properties: filters,
    block_device_mapping: blockDevicesToWire(devices),
    node: nodename,
    limits: {},
    host_list: others.map((one) => Selection.toWire(one)),
    accel_uuids: [],
  })
}

/** A server that one host could not build goes to the next. nova/conductor/manager.py ComputeTaskManager.build_instances */
export async function rebuildElsewhere(parts: CellParts, { context, args }: TaskJob): Promise<void> {
  const instances = args.instances as WireObject[]
  for (const [i, instance] of instances.entries()) {
    const uuid = instance['nova_object.data'].uuid as string
    await parts.work.inTurn(uuid, () => tryNext(parts, context, uuid, args, (args.host_lists as unknown[][])[i] ?? []))
  }
}

export const rescheduledUuids = ({ instances }: Args): string[] =>
  (instances as WireObject[]).map((instance) => instance['nova_object.data'].uuid as string)

async function tryNext(parts: CellParts, context: RequestContext, uuid: string, args: Args, list: readonly unknown[]): Promise<void> {
  const stage = await stageOf(parts, uuid)
  if (stage.is !== 'born') return
  const { server, home } = stage
  const filters = structuredClone(args.filter_properties) as FilterProperties
  const [host, ...others] = (list ?? []).map((wire) => Selection.fromWire(wire))
  try {
    countAttempt(filters, uuid, parts.settings.maxAttempts)
    if (!host)
      throw nova('MaxRetriesExceeded', {
        reason: `Exhausted all hosts available for retrying build failures for instance ${uuid}.`,
      })
    const zone = host.availability_zone ?? (await zoneOf(home, host.service_host!))
    await castBuild(home, context, {
      server: await save(home, server, { availabilityZone: zone }, { expected: ['scheduling'] }),
      host,
      others,
      filters,
      image: args.image,
      request_spec: requestSpecOf(args.request_spec)!,
      admin_password: args.admin_password,
      injected_files: args.injected_files,
      requested_networks: args.requested_networks,
      security_groups: args.security_groups,
    })
  } catch (error) {
    if (!isGone(error)) await failed(home, context, server, error, args.requested_networks)
  }
}

/** nova/conductor/manager.py ComputeTaskManager._cleanup_when_reschedule_fails */
async function failed(parts: CellParts, context: RequestContext, server: Server, error: unknown, networks: unknown): Promise<void> {
  const { cell, settings, log, scheduler } = parts
  scheduler.settled(server.uuid)
  await save(parts, server, { ...nowhere, vmState: 'error', taskState: null })
  await addFault(cell, server.uuid, settings.controller, error)
  try {
    await deallocate(parts, server, requestedOf(networks))
  } catch (cause) {
    log.error('Failed to deallocate networks', { context, error: cause, instance: server.uuid })
  }
}
