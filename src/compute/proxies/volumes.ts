/** Volumes and snapshots of Cinder, as the compute API shows and makes them until 2.35. */
import type { RequestContext } from '../../oslo/context.ts'
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import { type CinderSnapshot, type CinderVolume, cinderMessage, cinderText } from '../../peers/cinder.ts'
import type { Backends } from '../backends.ts'
import { Fault, type FaultKind } from '../faults.ts'
import { cinderSays } from '../servers/volumes.ts'

export { findVolume } from '../servers/volumes.ts'

export type Volume = CinderVolume
export type Snapshot = CinderSnapshot

/** Those of the caller's project. */
export const listVolumes = (backends: Backends, context: RequestContext): Promise<Volume[]> => listed(backends, context, 'volumes')
export const listSnapshots = (backends: Backends, context: RequestContext): Promise<Snapshot[]> => listed(backends, context, 'snapshots')

interface Lists {
  readonly volumes: Volume
  readonly snapshots: Snapshot
}

async function listed<C extends keyof Lists>({ peers }: Backends, context: RequestContext, collection: C): Promise<Lists[C][]> {
  const { session } = peers.cinder.as(context)
  const found: Lists[C][] = []
  let ask: { path?: string; url?: string } | undefined = { path: `/${collection}/detail` }
  while (ask) {
    const page: Record<string, unknown> = (await refusedInWords(() => session.request(ask!))).json()
    found.push(...(page[collection] as Lists[C][]))
    const next = ((page[`${collection}_links`] ?? []) as { rel: string; href: string }[]).find(({ rel }) => rel === 'next')
    ask = next && { url: next.href }
  }
  return found
}

export interface NewVolume {
  /** In GiB. */
  readonly size: number | string
  readonly name: string | null
  readonly description: string | null
  readonly snapshotId: string | undefined
  readonly volumeType: string | null
  readonly metadata: Readonly<Record<string, unknown>>
  readonly availabilityZone: string | null
}

/** Throws `snapshotNotFound`, `invalidInput`, `overQuota`, and `missing` for a type that is not there. */
export async function createVolume(backends: Backends, context: RequestContext, wanted: NewVolume): Promise<Volume> {
  const { session } = backends.peers.cinder.as(context)
  const snapshot = wanted.snapshotId === undefined ? undefined : await findSnapshot(backends, context, wanted.snapshotId)
  const volume = {
    size: wanted.size,
    consistencygroup_id: null,
    snapshot_id: snapshot?.id ?? null,
    name: wanted.name,
    description: wanted.description,
    volume_type: wanted.volumeType,
    availability_zone: wanted.availabilityZone,
    metadata: wanted.metadata,
    imageRef: null,
    source_volid: null,
  }
  const answer = await refusedInWords(
    () => session.request({ method: 'POST', path: '/volumes', json: { volume } }),
    (error) => {
      if (error.status === 404) return new Fault('missing', cinderMessage(error))
      return error.status === 413 ? new Fault('overQuota', cinderMessage(error)) : undefined
    },
  )
  return answer.json<{ volume: Volume }>().volume
}

/** Throws `volumeNotFound`, and `invalidInput` while it is in use. */
export const deleteVolume = ({ peers }: Backends, context: RequestContext, id: string): Promise<void> =>
  cinderSays(id, () => peers.cinder.as(context).removeVolume(id))

/** Throws `snapshotNotFound`. */
export async function findSnapshot({ peers }: Backends, context: RequestContext, id: string): Promise<Snapshot> {
  const found = await refusedInWords(() => peers.cinder.as(context).snapshot(id))
  if (!found) throw new Fault('snapshotNotFound', id)
  return found
}

export interface NewSnapshot {
  readonly volumeId: string
  readonly name: string | null
  readonly description: string | null
  /** Also of a volume in use. */
  readonly force: boolean
}

/** Throws `volumeNotFound`, `invalidInput` and `overQuota`. */
export async function createSnapshot({ peers }: Backends, context: RequestContext, wanted: NewSnapshot): Promise<Snapshot> {
  const { session } = peers.cinder.as(context)
  const { volumeId, name, description, force } = wanted
  const snapshot = { volume_id: volumeId, force, name, description, metadata: {} }
  const answer = await refusedInWords(
    () => session.request({ method: 'POST', path: '/snapshots', json: { snapshot } }),
    ({ status }) => {
      if (status === 404) return new Fault('volumeNotFound', volumeId)
      return status === 413 ? new Fault('overQuota', 'Quota exceeded for resources: snapshots') : undefined
    },
  )
  return answer.json<{ snapshot: Snapshot }>().snapshot
}

/** Throws `snapshotNotFound`, and `invalidInput` while something depends on it. */
export async function deleteSnapshot({ peers }: Backends, context: RequestContext, id: string): Promise<void> {
  const { session } = peers.cinder.as(context)
  const path = `/snapshots/${encodeURIComponent(id)}`
  await refusedInWords(
    () => session.request({ method: 'DELETE', path }),
    ({ status }) => (status === 404 ? new Fault('snapshotNotFound', id) : undefined),
  )
}

/** What Cinder refuses is refused in its words (nova/volume/cinder.py translate_cinder_exception), unless `known` has others. */
async function refusedInWords<T>(work: () => Promise<T>, known: (error: PeerError) => Fault | undefined = () => undefined): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof PeerError)) throw error
    const kinds: Readonly<Record<number, FaultKind>> = { 400: 'invalidInput', 403: 'forbidden' }
    const kind = error.status === undefined ? undefined : kinds[error.status]
    throw known(error) ?? (kind ? new Fault(kind, cinderText(error)) : error)
  }
}
