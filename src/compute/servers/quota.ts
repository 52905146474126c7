/** Limits that matter when a server that exists grows or comes back. They are those of the server's own project and user. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import type { SizedFlavor } from '../flavor-resources.ts'
import {
  chargedTo,
  checkDeltas,
  checkMetadataCount,
  type Deltas,
  type Excess,
  enforceRequest,
  limitSet,
  serversAllowed,
  usageOf,
} from '../quotas.ts'
import { areUnified, enforceServers } from '../unified-limits.ts'
import { type Details, isVolumeBacked } from './details.ts'

export interface Size {
  readonly vcpus: number
  readonly memoryMb: number
}

/** The size of the flavor that a server has now, or had before. */
export function sizeOf(flavor: { readonly 'nova_object.data': Readonly<Record<string, unknown>> }): Size {
  const { vcpus, memory_mb } = flavor['nova_object.data']
  return { vcpus: Number(vcpus), memoryMb: Number(memory_mb) }
}

function wholeFlavor({ flavor }: Server): SizedFlavor {
  const data = flavor!.cur['nova_object.data']
  return {
    name: String(data.name),
    vcpus: Number(data.vcpus),
    memoryMb: Number(data.memory_mb),
    rootGb: Number(data.root_gb),
    ephemeralGb: Number(data.ephemeral_gb),
    swap: Number(data.swap),
    extraSpecs: (data.extra_specs ?? {}) as Readonly<Record<string, string>>,
  }
}

const ownerOf = ({ projectId, userId }: Server): [string, string] => [projectId ?? '', userId ?? '']

/** Throws `tooManyServers` when a larger flavor does not fit. nova/compute/api.py API._check_quota_for_upsize */
export async function checkUpsize(backends: Backends, server: Server, from: Size, to: Size): Promise<void> {
  const more = { cores: Math.max(to.vcpus - from.vcpus, 0), ram: Math.max(to.memoryMb - from.memoryMb, 0) }
  if (more.cores === 0 && more.ram === 0) return
  const over = await checkDeltas(backends, ownerOf(server), more)
  if (over) throw tooMany(over, more)
}

function tooMany({ overs, limits, usage }: Excess, requested: Deltas): Fault {
  const listed = (value: (resource: (typeof overs)[number]) => number | undefined) => overs.map(value).join(', ')
  const names = overs.join(', ')
  return new Fault(
    'tooManyServers',
    names,
    listed((resource) => requested[resource]),
    listed((resource) => usage[resource]),
    listed((resource) => limits[resource]),
    names,
  )
}

/** Whether one server more of a flavor fits, by limits in Keystone: a resize holds both sizes until it ends. Throws `overQuota`. */
export async function enforceFlavor(
  backends: Backends,
  { projectId }: Pick<Server, 'projectId'>,
  flavor: SizedFlavor,
  onVolume: boolean,
  count = 1,
): Promise<void> {
  await enforceServers(backends, projectId ?? '', { flavor, onVolume, min: count, max: count })
}

/** Throws `tooManyServers` when a server that was deleted softly does not fit any more. */
export async function checkRestore(backends: Backends, details: Details): Promise<void> {
  const { server } = details
  const owner = ownerOf(server)
  const [limits, usage] = await Promise.all([limitSet(backends, ...owner), usageOf(backends, ...owner)])
  serversAllowed(limits, usage, sizeOf(server.flavor!.cur), 1, 1)
  if (areUnified(backends.settings)) await enforceFlavor(backends, server, wholeFlavor(server), await isVolumeBacked(details))
}

/**
 * An offloaded server takes nothing in Placement, so it can only be over a limit where that is what is counted. As in Nova, what counts is the usage of
 * who brings it back. nova/compute/api.py API._check_quota_unshelve_offloaded
 */
export async function checkUnshelve(backends: Backends, context: RequestContext, details: Details): Promise<void> {
  const { server } = details
  // Nothing is asked for, so only what is over a limit already is refused
  if (areUnified(backends.settings)) return enforceFlavor(backends, context, wholeFlavor(server), await isVolumeBacked(details), 0)
  if (!backends.settings.quota.countUsageFromPlacement) return
  const { vcpus, memoryMb } = sizeOf(server.flavor!.cur)
  const over = await checkDeltas(backends, ownerOf(server), { instances: 0, cores: vcpus, ram: memoryMb }, chargedTo(context))
  // As Python prints a list
  if (over) throw new Fault('forbidden', `Quota exceeded for resources: [${over.overs.map((name) => `'${name}'`).join(', ')}]`)
}

/** Throws `metadataLimitExceeded`. */
export async function checkMetadata(backends: Backends, context: RequestContext, count: number): Promise<void> {
  if (count === 0) return
  checkMetadataCount(await limitSet(backends, ...chargedTo(context)), count)
  await enforceRequest(backends, count, [])
}
