/** Cinder as a host asks it, with what it refuses told in Nova's exceptions. */
import type { RequestContext } from '../../../oslo/context.ts'
import { isStatus, PeerError } from '../../../oslo/keystoneauth/errors.ts'
import { cinderText } from '../../../peers/cinder.ts'
import { type HostVolumes, hostVolumes } from '../../../peers/cinder-hosts.ts'
import { type NovaError, nova } from '../errors.ts'
import type { CellCore } from '../parts.ts'

/** As the one who asks; as ourselves when nobody does. nova/volume/cinder.py _get_auth */
export const volumesOf = ({ cinder }: Pick<CellCore, 'cinder'>, context: Pick<RequestContext, 'token'>): HostVolumes =>
  hostVolumes(context.token ? cinder.as(context as RequestContext) : cinder.own)

/** `missing` is what a 404 means. Errors that are no answer of Cinder's pass. nova/volume/cinder.py translate_cinder_exception */
export async function asked<T>(work: () => Promise<T>, missing?: NovaError): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof PeerError ? refusal(error, missing) : error
  }
}

function refusal(error: PeerError, missing: NovaError | undefined): Error {
  switch (error.status) {
    case undefined:
      return error.kind === 'endpoint' ? error : nova('CinderConnectionFailed', { reason: error.message })
    case 400:
      return nova('InvalidInput', { reason: cinderText(error) })
    case 403:
      return nova('Forbidden', {}, cinderText(error))
    case 404:
      return missing ?? error
    case 413:
      return nova('OverQuota', {}, cinderText(error).replace(/ \(HTTP 413\).*$/s, ''))
    default:
      return error
  }
}

export const noVolume = (id: string): NovaError => nova('VolumeNotFound', { volume_id: id })
export const noAttachment = (id: string): NovaError => nova('VolumeAttachmentNotFound', { attachment_id: id })

interface Held {
  readonly volumeId: string
  readonly server: string
}

/**
 * What a crash has left goes: attachments of the server that none of its devices knows. Somebody may give it a volume twice, so what another device
 * knows stays. Whether there was any.
 */
export async function dropLeftovers({ cell }: Pick<CellCore, 'cell'>, volumes: HostVolumes, { volumeId, server }: Held): Promise<boolean> {
  const devices = (await cell.blockDevices.of([server])).get(server) ?? []
  const known = new Set(devices.map(({ attachmentId }) => attachmentId))
  const left = (await volumes.attachments(volumeId)).filter(({ id, instance }) => instance === server && !known.has(id))
  for (const { id } of left) await volumes.removeAttachment(id)
  return left.length > 0
}

/**
 * Cinder lets a volume be taken and connected once. What a crash has left over gives way, and a connection that was begun with the device's
 * attachment counts as made. Where nothing gives way, the refusal stands.
 */
export async function despiteLeftovers<T>(
  core: Pick<CellCore, 'cell'>,
  volumes: HostVolumes,
  { attachmentId, ...held }: Held & { readonly attachmentId: string | null },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isStatus(error, 400, 409)) throw error
    const hasDropped = await dropLeftovers(core, volumes, held)
    const own = (await volumes.attachments(held.volumeId)).find(({ id }) => id === attachmentId)
    if (own?.status === 'attaching') await volumes.completeAttachment(own.id)
    else if (!hasDropped) throw error
    return work()
  }
}
