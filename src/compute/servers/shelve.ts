/** Shelving servers: their disk becomes an image, and they may leave their host. */
import type { RequestContext } from '../../oslo/context.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Instance } from '../../stores/objects/instance.ts'
import type { Backends } from '../backends.ts'
import { castToCompute } from '../rpc/compute.ts'
import { refuseAccelerators, refuseLocked, refusePortAccelerators, refuseShares, refuseVtpm } from './checks.ts'
import { type Details, detailsOf, isVolumeBacked } from './details.ts'
import { removeImage, reserveImage } from './images.ts'
import { inCell } from './in-cell.ts'
import { checkState } from './states.ts'
import { startTask } from './task.ts'
import { sized } from './to-wire.ts'

/** Accelerators, which are Cyborg's, would stay bound: we do not ask it, and computes let go only of those that they are told. */
export async function shelve(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  const details = detailsOf(backends, server)
  await refuseShares(backends, details)
  refusePortAccelerators(server)
  await refuseVtpm(details, 'shelve')
  refuseAccelerators(server)
  refuseLocked(context, server)
  checkState(server, 'shelve')
  const onVolume = await isVolumeBacked(details)
  const systemMetadata = await rememberImage(backends, details)
  await startTask(backends, context, details, {
    verb: 'shelve',
    action: 'shelve',
    changes: { taskState: 'shelving' },
    parts: { systemMetadata },
    fields: sized,
    send: (instance) => (onVolume ? offload(backends, context, server, instance) : toImage(backends, context, details, instance)),
  })
}

/** Unshelving will need to know the image, which a rebuild of old may have lost. */
export async function rememberImage(backends: Backends, details: Details): Promise<Readonly<Record<string, string | null>>> {
  const { server } = details
  const before = await details.get('systemMetadata')
  const now = { ...before, image_base_image_ref: server.imageRef }
  if (before.image_base_image_ref !== server.imageRef)
    await inCell(backends, server, (cell) => cell.systemMetadata.set(server.uuid, { image_base_image_ref: server.imageRef }))
  return now
}

async function toImage(backends: Backends, context: RequestContext, details: Details, instance: Instance): Promise<void> {
  const { server } = details
  const name = `${server.displayName}-shelved`
  const imageId = await reserveImage(backends, context, details, 'snapshot', { name, properties: {} })
  try {
    const args = { image_id: imageId, clean_shutdown: true, accel_uuids: [] }
    await castToCompute(backends, context, server, 'shelve_instance', instance, args)
  } catch (error) {
    await removeImage(backends, context, imageId)
    throw error
  }
}

const offload = (backends: Backends, context: RequestContext, server: Server, instance: Instance): Promise<void> =>
  castToCompute(backends, context, server, 'shelve_offload_instance', instance, { clean_shutdown: true, accel_uuids: [] })

/** Takes a shelved server off its host. */
export async function shelveOffload(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  refusePortAccelerators(server)
  refuseAccelerators(server)
  refuseLocked(context, server)
  checkState(server, 'shelveOffload')
  await startTask(backends, context, detailsOf(backends, server), {
    verb: 'shelveOffload',
    action: 'shelveOffload',
    changes: { taskState: 'shelving_offloading' },
    fields: sized,
    send: (instance) => offload(backends, context, server, instance),
  })
}
