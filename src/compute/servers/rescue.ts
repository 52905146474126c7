/** Booting a server from a rescue image, and back. */
import type { RequestContext } from '../../oslo/context.ts'
import { InvalidField } from '../../oslo/objects/errors.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { type ImageMeta, imageMetaFrom } from '../../stores/objects/image-meta.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { refuseLocked, refuseVtpm } from './checks.ts'
import { type Details, detailsOf, imageMetaOf, isVolumeBacked } from './details.ts'
import { findImage } from './images.ts'
import { inCell } from './in-cell.ts'
import { checkState } from './states.ts'
import { startTask, toCompute } from './task.ts'
import { sized } from './to-wire.ts'
import { requireAttached } from './volumes.ts'

export interface Rescue {
  readonly password: string
  /** An image instead of the server's own. */
  readonly imageRef: string | null
  /** Servers that boot from a volume may be rescued too. */
  readonly volumeBackedToo: boolean
}

export async function rescue(backends: Backends, context: RequestContext, server: Server, asked: Rescue): Promise<void> {
  const { password, imageRef, volumeBackedToo } = asked
  const details = detailsOf(backends, server)
  await refuseVtpm(details, 'rescue')
  refuseLocked(context, server)
  checkState(server, 'rescue')
  const image = imageRef ? await rescueImage(backends, context, imageRef) : await imageMetaOf(details)
  await requireAttached(backends, context, await details.get('blockDevices'))
  if (await isVolumeBacked(details)) await requireStableRescue(backends, details, image, volumeBackedToo)
  await startTask(backends, context, details, {
    verb: 'rescue',
    action: 'rescue',
    changes: { taskState: 'rescuing' },
    fields: sized,
    send: toCompute(backends, context, details, 'rescue_instance', {
      rescue_password: password,
      clean_shutdown: true,
      rescue_image_ref: imageRef,
    }),
  })
}

/** An image made of volumes cannot be booted here. */
async function rescueImage(backends: Backends, context: RequestContext, id: string): Promise<ImageMeta> {
  const unsupported = new Fault('badRequest', `Requested rescue image '${id}' is not supported`)
  try {
    const meta = imageMetaFrom(await findImage(backends, context, id))
    if (!(meta.properties?.img_block_device_mapping as readonly unknown[] | undefined)?.length) return meta
  } catch (error) {
    const known = error instanceof InvalidField || (error instanceof Fault && ['imageNotFound', 'imageBadRequest'].includes(error.kind))
    if (!known) throw error
  }
  throw unsupported
}

const rescuesVolumes = 'COMPUTE_RESCUE_BFV'

/** Only where the image says how it is attached and the host can do it. */
async function requireStableRescue(backends: Backends, { server }: Details, image: ImageMeta, allowed: boolean): Promise<void> {
  const { uuid, host, node } = server
  const stable = image.properties?.hw_rescue_bus !== undefined && image.properties.hw_rescue_device !== undefined
  if (!allowed || !stable) throw notRescuable(uuid, 'Cannot rescue a volume-backed instance')
  const found = await inCell(backends, server, (cell) => cell.computeNodes.find(host ?? '', node ?? ''))
  if (!found) throw new Fault('computeHostNotFound', host)
  const traits = await backends.peers.placement.traits(found.uuid ?? '')
  if (!traits.includes(rescuesVolumes)) throw notRescuable(uuid, 'Host unable to rescue a volume-backed instance')
}

const notRescuable = (uuid: string, reason: string): Fault => new Fault('badRequest', `Instance ${uuid} cannot be rescued: ${reason}`)

export async function unrescue(backends: Backends, context: RequestContext, server: Server): Promise<void> {
  refuseLocked(context, server)
  checkState(server, 'unrescue')
  const details = detailsOf(backends, server)
  await startTask(backends, context, details, {
    verb: 'unrescue',
    action: 'unrescue',
    changes: { taskState: 'unrescuing' },
    send: toCompute(backends, context, details, 'unrescue_instance', {}),
  })
}
