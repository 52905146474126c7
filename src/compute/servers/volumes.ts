/** Volumes of servers, as Cinder knows them. */
import type { RequestContext } from '../../oslo/context.ts'
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import { type CinderVolume, cinderText } from '../../peers/cinder.ts'
import type { BlockDevice } from '../../stores/cell/block-devices.ts'
import type { Backends } from '../backends.ts'
import { Fault } from '../faults.ts'
import { inCell } from './in-cell.ts'

/** Throws `volumeNotFound`. */
export async function findVolume({ peers }: Backends, context: RequestContext, id: string): Promise<CinderVolume> {
  const volume = await cinderSays(id, () => peers.cinder.as(context).volume(id))
  if (!volume) throw new Fault('volumeNotFound', id)
  return volume
}

/** What Cinder refuses about a volume is refused in its words. nova/volume/cinder.py translate_volume_exception */
export async function cinderSays<T>(id: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof PeerError ? refusal(error, id) : error
  }
}

function refusal(error: PeerError, id: string): unknown {
  switch (error.status) {
    case 400:
      return new Fault('invalidInput', cinderText(error))
    case 403:
      return new Fault('forbidden', cinderText(error))
    case 404:
      return new Fault('volumeNotFound', id)
    case 413:
      return new Fault('overQuota', cinderText(error))
    default:
      return error
  }
}

/** Throws `invalidVolume` unless every volume among these devices is in use. nova/compute/api.py API._check_volume_status */
export async function requireAttached(backends: Backends, context: RequestContext, devices: readonly BlockDevice[]): Promise<void> {
  for (const { volumeId } of devices) {
    if (!volumeId) continue
    const { id, status } = await findVolume(backends, context, volumeId)
    if (status !== 'in-use') throw new Fault('invalidVolume', `volume '${id}' status must be 'in-use'. Currently in '${status}' status`)
  }
}

/** A volume that a server leaves. Rows of servers that no cell holds yet have no id. */
export type Leaving = Pick<BlockDevice, 'volumeId' | 'attachmentId' | 'deleteOnTermination' | 'connectionInfo'> & { readonly id?: number }

/**
 * Lets go of the volumes of a server that no compute takes care of, and deletes those that shall go with it. What fails is only told to the log, since the
 * server goes anyway. nova/compute/api.py API._local_cleanup_bdm_volumes
 */
export async function releaseVolumes(
  backends: Backends,
  context: RequestContext,
  server: { readonly uuid: string; readonly host: string | null; readonly cellId: number | null },
  volumes: readonly Leaving[],
): Promise<void> {
  for (const volume of volumes) {
    try {
      if (volume.volumeId) await release(backends, context, server, volume, volume.volumeId)
    } catch (error) {
      if (!(error instanceof PeerError)) throw error
      backends.log.warning(`The volume ${volume.volumeId} of the server ${server.uuid} could not be cleaned up: ${error.message}`, {
        context,
      })
    }
    const { id } = volume
    if (id !== undefined) await inCell(backends, server, (cell) => cell.blockDevices.remove(id))
  }
}

async function release(
  { peers }: Backends,
  context: RequestContext,
  { uuid, host }: { readonly uuid: string; readonly host: string | null },
  { attachmentId, deleteOnTermination, connectionInfo }: Leaving,
  id: string,
): Promise<void> {
  const cinder = peers.cinder.as(context)
  if (attachmentId) await cinder.removeAttachment(attachmentId)
  else {
    // Attached before there were attachments
    const connector = stashedConnector(connectionInfo, host)
    if (connector) await cinder.act(id, 'os-terminate_connection', { connector })
    const volume = await cinder.volume(id)
    const own = volume?.multiattach ? volume.attachments.findLast((each) => each.server_id === uuid) : undefined
    await cinder.act(id, 'os-detach', { attachment_id: own?.attachment_id ?? null })
  }
  if (deleteOnTermination) await cinder.removeVolume(id)
}

/** How the server's host was connected. nova/compute/utils.py get_stashed_volume_connector: one of another host is of no use */
function stashedConnector(connectionInfo: string | null, host: string | null): object | undefined {
  const { connector } = connectionInfo ? (JSON.parse(connectionInfo) as { connector?: { host?: string } }) : {}
  return connector && (host === null || connector.host === host) ? connector : undefined
}
