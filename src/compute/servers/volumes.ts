/** Volumes of servers, as Cinder knows them. */
import type { RequestContext } from '../../oslo/context.ts'
import type { CinderVolume } from '../../peers/cinder.ts'
import type { BlockDevice } from '../../stores/cell/block-devices.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'

/** Throws `missing`. */
export async function findVolume({ peers }: Backends, context: RequestContext, id: string): Promise<CinderVolume> {
  const volume = await peers.cinder.as(context).volume(id)
  if (!volume) throw new Fault('missing', `Volume ${id} could not be found.`)
  return volume
}

/** Throws `invalidVolume` unless every volume among these devices is in use. nova/compute/api.py API._check_volume_status */
export async function requireAttached(backends: Backends, context: RequestContext, devices: readonly BlockDevice[]): Promise<void> {
  for (const { volumeId } of devices) {
    if (!volumeId) continue
    const { id, status } = await findVolume(backends, context, volumeId)
    if (status !== 'in-use') throw new Fault('invalidVolume', `volume '${id}' status must be 'in-use'. Currently in '${status}' status`)
  }
}
