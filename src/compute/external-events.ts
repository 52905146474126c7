/** What other services tell of servers: a port is plugged, a volume was extended. It is handed on to the hosts that the servers are on, or move between. */
import type { RequestContext } from '../oslo/context.ts'
import type { ServerExtra } from '../stores/cell/extra.ts'
import type { NetworkInfoCache } from '../stores/cell/network-info.ts'
import type { Server } from '../stores/cell/servers.ts'
import type { Cell } from '../stores/cells.ts'
import { InstanceExternalEvent } from '../stores/objects/external-event.ts'
import { Instance } from '../stores/objects/instance.ts'
import type { Backends } from './backends.ts'
import { Fault } from './faults.ts'
import { fitting, pinOf } from './rpc/compute.ts'
import { type Details, detailsOf } from './servers/details.ts'
import { instanceOf } from './servers/to-wire.ts'
import { sideBySide } from './side-by-side.ts'

export type EventName = NonNullable<InstanceExternalEvent['name']>

export interface ExternalEvent {
  readonly name: EventName
  readonly serverUuid: string
  readonly status: NonNullable<InstanceExternalEvent['status']>
  readonly tag: string | null
}

/** `accepted`, or why not. */
export type EventFate = 'accepted' | 'noServer' | 'noTag' | 'noHost'

const tagged = new Set<EventName>(['volume-extended', 'power-update', 'accelerator-request-bound'])

/** What becomes of each event; those that are accepted have been sent. Throws `cellDown` when a cell with servers among them does not answer. */
export async function handOn(backends: Backends, context: RequestContext, events: readonly ExternalEvent[]): Promise<EventFate[]> {
  const servers = await findServers(backends, context, [...new Set(events.map(({ serverUuid }) => serverUuid))])
  const fates = events.map((event): EventFate => {
    const server = servers.get(event.serverUuid)
    if (!server) return 'noServer'
    if (tagged.has(event.name) && event.tag === null) return 'noTag'
    return server.details.server.host ? 'accepted' : 'noHost'
  })
  const accepted = events.filter((_, i) => fates[i] === 'accepted')
  if (accepted.length > 0) await dispatch(backends, context, servers, accepted)
  return fates
}

interface Told {
  readonly cell: Cell
  readonly details: Details
}

/** Who is no admin reaches servers of the own project alone, as everywhere (nova/db/main/api.py instance_get_all_by_filters_sort). */
async function findServers(backends: Backends, context: RequestContext, uuids: readonly string[]): Promise<Map<string, Told>> {
  const { stores } = backends
  const mappings = await stores.api.serverMappings.of(uuids)
  const uuidsIn = (cellId: number) => mappings.filter((mapping) => mapping.cellId === cellId).map(({ instanceUuid }) => instanceUuid)
  const cells = [...new Set(mappings.flatMap(({ cellId }) => cellId ?? []))]
  const exact = context.isAdmin ? {} : context.projectId ? { project_id: context.projectId } : { user_id: context.userId }
  const answers = await stores.cells.gather(async (cell) => {
    const wanted = uuidsIn(cell.id)
    const [servers, extras, caches] = await Promise.all([
      cell.servers.list({ anyOf: { uuid: wanted }, exact }, { order: [] }),
      cell.serverExtra.of(wanted as string[]),
      cell.networkInfo.of(wanted as string[]),
    ])
    return servers.map((server) => ({ cell, details: withParts(backends, server, extras, caches) }))
  }, cells)
  return new Map(
    answers.flatMap((answer) => {
      if ('error' in answer) throw new Fault('cellDown', answer.cell.uuid)
      return answer.value.map((told) => [told.details.server.uuid, told] as const)
    }),
  )
}

const withParts = (backends: Backends, server: Server, extras: readonly ServerExtra[], caches: readonly NetworkInfoCache[]): Details =>
  detailsOf(backends, server).with(
    {},
    {
      extra: extras.find(({ instanceUuid }) => instanceUuid === server.uuid),
      infoCache: caches.find(({ instanceUuid }) => instanceUuid === server.uuid),
    },
  )

interface Parcel {
  readonly cellId: number
  readonly servers: Set<Told>
  readonly events: ExternalEvent[]
}

const atOnce = 16

async function dispatch(
  backends: Backends,
  context: RequestContext,
  servers: ReadonlyMap<string, Told>,
  events: readonly ExternalEvent[],
): Promise<void> {
  const parcels = new Map<string, Parcel>()
  const hosts = new Map<Told, readonly Destination[]>()
  for (const event of events) {
    const told = servers.get(event.serverUuid)!
    if (!hosts.has(told)) hosts.set(told, await destinationsOf(backends, told))
    const wanted = await recorded(context, told, event)
    for (const { host, cellId } of hosts.get(told)!) {
      const parcel = parcels.get(host) ?? { cellId, servers: new Set<Told>(), events: [] }
      parcels.set(host, parcel)
      parcel.servers.add(told)
      if (wanted) parcel.events.push(event)
    }
  }
  const failures = await sideBySide([...parcels], atOnce, async ([host, parcel]) =>
    send(backends, context, host, parcel).catch((error) => error),
  )
  // One host that cannot be reached keeps nothing from the others
  const failure = failures.find((error) => error !== undefined)
  if (failure !== undefined) throw failure
}

interface Destination {
  readonly host: string
  readonly cellId: number
}

/** Where the server is; while it moves, both ends of the way. nova/compute/api.py API._get_relevant_hosts */
async function destinationsOf({ stores }: Backends, { cell, details }: Told): Promise<Destination[]> {
  const { server } = details
  const hosts = new Set([server.host!])
  const context = (await details.get('extra'))?.migrationContext
  const migrationId = context
    ? (JSON.parse(context) as { 'nova_object.data': { migration_id: number } })['nova_object.data'].migration_id
    : null
  const migration = migrationId === null ? undefined : await cell.migrations.find(migrationId)
  for (const host of [migration?.destCompute, migration?.sourceCompute]) if (host) hosts.add(host)
  if (!migration?.crossCellMove) return [...hosts].map((host) => ({ host, cellId: cell.id }))
  const mappings = await stores.api.hostMappings.of([...hosts])
  return mappings.map(({ host, cellId }) => ({ host: host!, cellId: cellId! }))
}

/** Users can follow some events among the actions on a server. False for a power state that is none: such an event is not sent. */
async function recorded(
  { requestId, userId, projectId, timestamp }: RequestContext,
  { cell }: Told,
  { name, tag, serverUuid }: ExternalEvent,
): Promise<boolean> {
  const action = name === 'volume-extended' ? 'extend_volume' : name === 'power-update' ? powerActions[tag ?? ''] : null
  if (action) await cell.actions.start({ action, instanceUuid: serverUuid, requestId, userId, projectId, timestamp })
  return action !== undefined
}

const powerActions: Readonly<Record<string, string>> = { POWER_ON: 'start', POWER_OFF: 'stop' }

/** To the second server of a compute, which still listens while the compute shuts down (nova/compute/rpcapi.py prepare_for_alt_rpcserver). */
async function send(backends: Backends, context: RequestContext, host: string, { cellId, servers, events }: Parcel): Promise<void> {
  const instances = await Promise.all(
    [...servers].map(async ({ details }) => Instance.toWire(await instanceOf(details, ['info_cache', 'migration_context']))),
  )
  const wires = events.map(({ serverUuid, name, status, tag }) =>
    InstanceExternalEvent.toWire({ instance_uuid: serverUuid, name, status, tag } as InstanceExternalEvent),
  )
  const client = await backends.rpc.cell(cellId)
  const pin = await pinOf(backends)
  const { version, args } = fitting(pin, 'external_instance_event', { instances, events: wires })
  await client.cast(
    { topic: pin.canSend('6.5') ? 'compute-alt' : 'compute', server: host, version },
    context,
    'external_instance_event',
    args,
  )
}
