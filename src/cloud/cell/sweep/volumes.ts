/** What requests that were cut off have left of volumes: reservations that nobody knows, devices without a volume behind them, detachments that never began. */
import { adminContext } from '../../../oslo/context.ts'
import { fromDateTime } from '../../../oslo/database/datetime.ts'
import { isStatus, PeerError } from '../../../oslo/keystoneauth/errors.ts'
import type { AttachmentSummary, HostVolumes } from '../../../peers/cinder-hosts.ts'
import type { BlockDevice } from '../../../stores/cell/block-devices.ts'
import { devicesOf, isVolume } from '../compute/devices.ts'
import type { CellParts } from '../parts.ts'
import { volumesOf } from '../volume/client.ts'

export async function sweepVolumes(parts: CellParts, since: number): Promise<void> {
  const volumes = volumesOf(parts, adminContext(`req-${parts.ids.uuid()}`))
  const attachments = await everybodys(volumes)
  if (!attachments) return
  await dropUnknown(parts, volumes, attachments, since)
  await dropUnfinished(parts, volumes, attachments, since)
  await stopDetaching(parts, volumes, since)
}

/** Undefined where there is no volume service. */
async function everybodys(volumes: HostVolumes): Promise<AttachmentSummary[] | undefined> {
  try {
    return await volumes.attachments()
  } catch (error) {
    if (error instanceof PeerError && error.kind === 'endpoint') return undefined
    throw error
  }
}

/** Attachments of servers that do not know them, once nothing has happened to their volumes for a while. */
async function dropUnknown(
  parts: CellParts,
  volumes: HostVolumes,
  attachments: readonly AttachmentSummary[],
  since: number,
): Promise<void> {
  const { cell, work, log } = parts
  const servers = [...new Set(attachments.flatMap(({ instance }) => instance ?? []))]
  const devices = await cell.blockDevices.of(servers)
  const known = new Set([...devices.values()].flat().map(({ attachmentId }) => attachmentId))
  for (const { id, instance, volume_id } of attachments) {
    if (instance === null || known.has(id) || work.isBusy(instance) || !(await wasOurs(parts, instance))) continue
    const volume = await volumes.volume(volume_id)
    if (!volume || Date.parse(`${volume.updated_at}Z`) >= since) continue
    await work.on([instance], () =>
      work.inTurn(instance, async () => {
        if ((await devicesOf(parts, instance)).some(({ attachmentId }) => attachmentId === id)) return
        log.warning(`Clearing up the attachment ${id}, which its server does not know`, { instance })
        await volumes.removeAttachment(id)
      }),
    )
  }
}

/** A server that this cell has or had; one that is still to come, or of another cell, or none at all is somebody else's. */
async function wasOurs({ api, cell, cell0 }: CellParts, uuid: string): Promise<boolean> {
  if (await cell.servers.find(uuid, { deletedToo: true })) return true
  if (await api.requests.find(uuid)) return false
  const server = await cell0.servers.find(uuid, { deletedToo: true })
  return server !== undefined && server.deleted !== 0
}

/** A volume that was being attached: the device and the reservation go. One without a reservation has only its row. */
async function dropUnfinished(
  parts: CellParts,
  volumes: HostVolumes,
  attachments: readonly AttachmentSummary[],
  since: number,
): Promise<void> {
  const { cell, work, log } = parts
  const reserved = new Set(attachments.filter(({ status }) => status === 'reserved').map(({ id }) => id))
  const isUnfinished = (device: BlockDevice) =>
    isVolume(device) &&
    device.sourceType === 'volume' &&
    device.connectionInfo === null &&
    (device.attachmentId === null || reserved.has(device.attachmentId)) &&
    fromDateTime(device.updatedAt ?? device.createdAt!) < since
  for (const uuid of await cell.blockDevices.unconnected()) {
    if (work.isBusy(uuid)) continue
    await work.on([uuid], () =>
      work.inTurn(uuid, async () => {
        const server = await cell.servers.find(uuid)
        // without a host it is connected later; one in work is its own affair, see interrupted.ts
        if (!server || server.host === null || server.taskState !== null || server.vmState === 'error') return
        for (const device of (await devicesOf(parts, uuid)).filter(isUnfinished)) {
          log.warning(`Giving up the volume ${device.volumeId}, which was being attached`, { instance: uuid })
          if (device.attachmentId) await volumes.removeAttachment(device.attachmentId)
          await cell.blockDevices.remove(device.id)
        }
      }),
    )
  }
}

/** A volume that a server has and that nobody takes away from it stays in use. */
async function stopDetaching({ cell, work, log }: CellParts, volumes: HostVolumes, since: number): Promise<void> {
  for (const { id, updated_at, attachments } of await volumes.volumesIn('detaching')) {
    const servers = attachments.map(({ server_id }) => server_id)
    const isOurs = (await cell.blockDevices.ofVolume(id)).some(({ instanceUuid }) => servers.includes(instanceUuid!))
    if (!isOurs || Date.parse(`${updated_at}Z`) >= since || servers.some((uuid) => work.isBusy(uuid))) continue
    log.warning(`Nobody detaches the volume ${id}: it stays in use`)
    await volumes.act(id, 'os-roll_detaching').catch((error) => {
      if (!isStatus(error, 400, 404)) throw error
    })
  }
}
