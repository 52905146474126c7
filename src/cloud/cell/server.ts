/** A server while something is done with it: reading it, and changing its state as nova.objects.Instance.save does. */
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { Server, ServerChanges, StoredFlavors } from '../../stores/cell/servers.ts'
import type { Transition } from '../../stores/cell/transitions.ts'
import type { Cell } from '../../stores/cells.ts'
import { Flavor } from '../../stores/objects/flavor.ts'
import { type NetworkInfo, readNetworkInfo } from '../../stores/objects/network-info.ts'
import type { Guest } from '../drivers/hypervisor.ts'
import type { Clock } from '../service.ts'
import { nova } from './errors.ts'
import type { TaskState, Tasks, VmState } from './states.ts'

/** Throws an InstanceNotFound. */
export async function loadServer(cell: Cell, uuid: string): Promise<Server> {
  const server = await cell.servers.find(uuid)
  if (!server) throw nova('InstanceNotFound', { instance_id: uuid })
  return server
}

/** What may change: words for states instead of any text. */
export type Changes = Omit<ServerChanges, 'vmState' | 'taskState'> & { vmState?: VmState; taskState?: TaskState | null }

export interface SaveOptions extends Omit<Transition, 'server'> {
  /** Task states of which the server must be in one; any when absent. */
  readonly expected?: Tasks
}

/**
 * The server as it is then. Throws an InstanceNotFound, an UnexpectedDeletingTaskStateError when somebody deletes it, or an
 * UnexpectedTaskStateError.
 */
export async function save(
  { cell }: { readonly cell: Cell },
  server: Server,
  changes: Changes,
  { expected, ...beside }: SaveOptions = {},
): Promise<Server> {
  const states = expected ? { taskState: expected } : {}
  const alone = beside.extra === undefined && beside.systemMetadata === undefined
  const done = alone
    ? await cell.servers.update(server.uuid, changes, states)
    : await cell.transitions.apply(server.uuid, { server: changes, ...beside }, states)
  if (!done) throw await conflict(cell, server.uuid, expected)
  const flavor = beside.extra?.flavor ? { flavor: JSON.parse(beside.extra.flavor) as StoredFlavors } : {}
  return { ...server, ...(changes as Partial<Server>), ...flavor }
}

async function conflict(cell: Cell, uuid: string, expected: Tasks = []): Promise<Error> {
  const server = await cell.servers.find(uuid)
  if (!server) return nova('InstanceNotFound', { instance_id: uuid })
  const name = server.taskState === 'deleting' ? 'UnexpectedDeletingTaskStateError' : 'UnexpectedTaskStateError'
  return nova(name, { instance_uuid: uuid, expected: told(expected), actual: told([server.taskState]) })
}

/** As Python prints what Nova compares. */
const told = (states: readonly (string | null)[]): string =>
  `{'task_state': [${states.map((state) => (state === null ? 'None' : `'${state}'`)).join(', ')}]}`

export const timeNow = (clock: Clock): string => toDateTime(clock.now())

/** `instance-0000002a`, which is [DEFAULT] instance_name_template. */
const instanceName = ({ id }: Pick<Server, 'id'>): string => `instance-${id.toString(16).padStart(8, '0')}`

export const networkInfoOf = ({ networkInfo }: Pick<Server, 'networkInfo'>): NetworkInfo =>
  networkInfo ? readNetworkInfo(JSON.stringify(networkInfo)) : []

export const guestOf = (server: Server, interfaces: NetworkInfo = networkInfoOf(server)): Guest => ({
  uuid: server.uuid,
  name: instanceName(server),
  vcpus: server.vcpus ?? 0,
  memoryMb: server.memoryMb ?? 0,
  rootGb: server.rootGb ?? 0,
  imageId: server.imageRef || null,
  interfaces,
})

export const flavorOf = (server: Server, which: keyof StoredFlavors = 'cur'): Flavor | null => {
  const stored = server.flavor?.[which]
  return stored ? Flavor.fromWire(stored) : null
}

/** The columns that a flavor fills. nova/compute/manager.py ComputeManager._set_instance_info */
export const sizeOf = (flavor: Flavor): Changes => ({
  instanceTypeId: flavor.id!,
  memoryMb: flavor.memory_mb!,
  vcpus: flavor.vcpus!,
  rootGb: flavor.root_gb!,
  ephemeralGb: flavor.ephemeral_gb!,
})

/** The column instance_extra.flavor with other flavors; descriptions are not kept. */
export function flavorsColumn({ cur, old = null, next = null }: { cur: Flavor; old?: Flavor | null; next?: Flavor | null }): string {
  const wire = (flavor: Flavor | null) =>
    flavor && Flavor.toWire(flavor.description === undefined ? flavor : { ...flavor, description: null })
  return JSON.stringify({ cur: wire(cur), old: wire(old), new: wire(next) })
}

export async function systemMetadataOf(cell: Cell, uuid: string): Promise<Readonly<Record<string, string | null>>> {
  return (await cell.systemMetadata.of([uuid])).get(uuid) ?? {}
}

/** On no host any more. nova/compute/manager.py ComputeManager._nil_out_instance_obj_host_and_node */
export const nowhere = { host: null, node: null, computeId: null, launchedOn: null, availabilityZone: null } as const
