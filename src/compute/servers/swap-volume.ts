/** Putting another volume in the place of one, which Cinder asks for while it migrates volumes in use. */
import type { RequestContext } from '../../oslo/context.ts'
import type { CinderVolume } from '../../peers/cinder.ts'
import type { Server } from '../../stores/cell/servers.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { beginDetaching, refuseAttached, requireSameZone, stopDetaching } from './attach-volume.ts'
import { refuseLocked } from './checks.ts'
import { detailsOf } from './details.ts'
import { inCell } from './in-cell.ts'
import { checkState } from './states.ts'
import { startTask, toCompute } from './task.ts'
import { usual } from './to-wire.ts'
import { cinderSays, findVolume } from './volumes.ts'

/** The new volume is named in a body: one that is not there is a bad request. nova/compute/api.py API.swap_volume */
export async function swapVolume(backends: Backends, context: RequestContext, server: Server, oldId: string, newId: string): Promise<void> {
  const from = await findVolume(backends, context, oldId)
  if (!from.migration_status) throw new Fault('conflict', `volume ${oldId} is not migrating; this API should only be called by Cinder`)
  const to = await newVolume(backends, context, newId)
  refuseLocked(context, server)
  checkState(server, 'swapVolume')
  checkPair(server, from, to)
  await requireSameZone(backends, server, to)
  await beginDetaching(backends, context, oldId)
  try {
    const reserved = await reserve(backends, context, server, from, to)
    await hand(backends, context, server, { from, to, attachmentId: reserved })
  } catch (error) {
    await stopDetaching(backends, context, oldId)
    throw error
  }
}

async function newVolume(backends: Backends, context: RequestContext, id: string): Promise<CinderVolume> {
  try {
    return await findVolume(backends, context, id)
  } catch (error) {
    throw error instanceof Fault && error.kind === 'volumeNotFound' ? new Fault('badRequest', error.message) : error
  }
}

function checkPair({ uuid }: Server, from: CinderVolume, to: CinderVolume): void {
  if (!from.attachments.some(({ server_id }) => server_id === uuid))
    throw new Fault('invalidVolume', 'Old volume is attached to a different instance.')
  if (to.attachments.length > 0) throw new Fault('invalidVolume', 'New volume must be detached in order to swap.')
  if (to.size < from.size) throw new Fault('invalidVolume', 'New volume must be the same size or larger.')
}

/** The id of the new volume's attachment; null where the old one has none, as before there were attachments. */
async function reserve(
  backends: Backends,
  context: RequestContext,
  server: Server,
  from: CinderVolume,
  to: CinderVolume,
): Promise<string | null> {
  const cinder = backends.peers.cinder.as(context)
  // Counted only now, when Cinder lets nobody attach it any more
  if ((await writers(backends, context, from)) > 1)
    throw new Fault('badRequest', 'Swapping multi-attach volumes with more than one read/write attachment is not supported.')
  const device = await inCell(backends, server, (cell) => cell.blockDevices.ofAttachment(server.uuid, from.id))
  if (!device) throw new Fault('missing', `No volume Block Device Mapping with id ${from.id}.`)
  if (!device.attachmentId) {
    await cinderSays(to.id, () => cinder.act(to.id, 'os-reserve'))
    return null
  }
  await refuseAttached(backends, server, to)
  return (await cinderSays(to.id, () => cinder.createAttachment(to.id, server.uuid))).id
}

/** nova/compute/api.py API._count_attachments_for_swap: an attachment of which nothing is known counts */
async function writers({ peers }: Backends, context: RequestContext, { attachments, id }: CinderVolume): Promise<number> {
  if (attachments.length <= 1) return attachments.length
  const cinder = peers.cinder.as(context)
  const found = await Promise.all(
    attachments.map(({ attachment_id }) => cinderSays(id, async () => (attachment_id ? cinder.attachment(attachment_id) : undefined))),
  )
  return found.filter((attachment) => !attachment || attachment.attach_mode === 'rw').length
}

interface Swap {
  readonly from: CinderVolume
  readonly to: CinderVolume
  /** The new one's; null where the old one has none. */
  readonly attachmentId: string | null
}

async function hand(backends: Backends, context: RequestContext, server: Server, { from, to, attachmentId }: Swap): Promise<void> {
  const cinder = backends.peers.cinder.as(context)
  const details = detailsOf(backends, server)
  const args = { old_volume_id: from.id, new_volume_id: to.id, new_attachment_id: attachmentId }
  try {
    await startTask(backends, context, details, {
      action: 'swap_volume',
      fields: usual,
      send: toCompute(backends, context, details, 'swap_volume', args),
    })
  } catch (error) {
    if (attachmentId === null) await cinder.act(to.id, 'os-unreserve')
    else await cinder.removeAttachment(attachmentId)
    throw error
  }
}
