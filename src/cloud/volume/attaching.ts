/** How volumes come to servers and leave them: what attachments make of the status of a volume (cinder/volume/api.py, cinder/db/sqlalchemy/api.py). */
import { connectionInfo } from './connection.ts'
import type { Attachment, Volume } from './documents.ts'
import { conflict, fault, invalidInput, invalidVolume } from './faults.ts'
import { putVolume, type VolumeCall } from './state.ts'
import { attachmentsOf } from './store.ts'
import { isMultiattach } from './types.ts'

export interface NewAttachment {
  readonly instanceUuid: string | null
  readonly mode: string
  readonly connector: Readonly<Record<string, unknown>> | null
}

/** Takes a volume for a server; 400 when it is taken. A server may take it again, while it moves. Inside a `write`. */
export function reserveFor(call: VolumeCall, volume: Volume, { instanceUuid, mode }: Omit<NewAttachment, 'connector'>): Attachment {
  const { store, clock, ids } = call
  if (volume.status.includes('error'))
    throw invalidVolume(
      `Volume attachments can not be created if the volume is in an error state. The Volume ${volume.id} currently has a status of: ${volume.status} `,
    )
  const free = volume.multiattach ? ['available', 'in-use', 'downloading'] : ['available', 'downloading']
  if (free.includes(volume.status)) putVolume(call, volume, { status: 'reserved' })
  else if (!isHeldBy(call, volume, instanceUuid))
    throw invalidVolume(`Volume ${volume.id} status must be ${free.join(' or ')} to reserve, but the current status is ${volume.status}.`)
  return store.attachments.put({
    id: ids.uuid(),
    volume_id: volume.id,
    instance_uuid: instanceUuid,
    attached_host: null,
    mountpoint: null,
    attach_status: 'reserved',
    // Of a volume that an administrator made read-only, whatever is asked for.
    attach_mode: volume.readonly === null ? mode : 'ro',
    connector: null,
    connection_info: {},
    attach_time: null,
    created_at: clock.now(),
  })
}

const isHeldBy = ({ store }: VolumeCall, { id, status }: Volume, instanceUuid: string | null): boolean =>
  instanceUuid !== null &&
  (status === 'in-use' || status === 'reserved') &&
  attachmentsOf(store, id).some(({ instance_uuid }) => instance_uuid === instanceUuid)

/** Tells a host how to reach the volume: it is attaching from then on. Inside a `write`. */
export function connect(call: VolumeCall, attachment: Attachment, connector: Readonly<Record<string, unknown>>): Attachment {
  const { store, clock } = call
  const volume = store.volumes.get(attachment.volume_id)!
  const mode =
    attachment.attach_mode !== 'null' && attachment.attach_mode !== null ? attachment.attach_mode : String(connector.mode ?? 'rw')
  putVolume(call, volume, { status: 'attaching', attach_status: 'attaching' })
  return store.attachments.put({
    ...attachment,
    attach_status: 'attaching',
    attach_mode: mode,
    attached_host: String(connector.host ?? ''),
    mountpoint: String(connector.mountpoint ?? 'na'),
    attach_time: clock.now(),
    connector: { ...connector, ...(attachment.attach_mode !== 'null' && { mode }) },
    connection_info: connectionInfo(call, volume, attachment, connector),
  })
}

/** 409 where a second host would be let in to a volume that only one may have. */
export function checkConnectors({ store }: VolumeCall, volume: Volume): void {
  if (volume.status.includes('error'))
    throw conflict(
      `Resource conflict: Volume attachments can not be updated if the volume is in an error state. The Volume ${volume.id} currently has a status of: ${volume.status} `,
    )
  const attachments = attachmentsOf(store, volume.id)
  const type = store.types.get(volume.volume_type_id)
  const shared = volume.multiattach || (type !== undefined && isMultiattach(type))
  if (attachments.length > 1 && !shared && attachments.some(({ connector }) => connector !== null))
    throw conflict(`Resource conflict: duplicate connectors detected on volume ${volume.id}`)
}

/** The server has the volume. Inside a `write`. */
export function completed(call: VolumeCall, attachment: Attachment): void {
  call.store.attachments.put({ ...attachment, attach_status: 'attached' })
  putVolume(call, call.store.volumes.get(attachment.volume_id)!, { status: 'in-use', attach_status: 'attached' })
}

/** Removes an attachment; the volume then is what the others make of it. Inside a `write`. */
export function release(call: Pick<VolumeCall, 'store' | 'clock'>, volumeId: string, attachmentId: string | undefined): Volume {
  const { store } = call
  if (attachmentId !== undefined) store.attachments.remove(attachmentId)
  const volume = store.volumes.get(volumeId)!
  const attach_status = jointStatus(attachmentsOf(store, volumeId))
  // While a volume moves or is uploaded, who does that gives it back (cinder/db/sqlalchemy/api.py volume_detached).
  const { migration_status } = volume
  const atRest =
    migration_status === 'success' || migration_status === 'error' || (migration_status === null && volume.status !== 'uploading')
  return putVolume(call, volume, {
    attach_status,
    attached_mode: null,
    ...((attach_status !== 'detached' || atRest) && { status: statusOf(attach_status) }),
  })
}

/** The first in the order of the alphabet: attached, attaching, detaching, reserved. */
function jointStatus(attachments: readonly Attachment[]): string {
  const [first] = attachments
    .map(({ attach_status }) => attach_status)
    .filter((status) => !status.startsWith('error_'))
    .sort()
  return first ?? 'detached'
}

const statusOf = (attachStatus: string): string =>
  attachStatus === 'attached' ? 'in-use' : attachStatus === 'detached' ? 'available' : attachStatus

/**
 * 409 when a server uses the attachment and it is no service that asks: the server would keep a device that may show somebody else's
 * volume later (CVE-2023-2088, cinder/volume/api.py attachment_deletion_allowed).
 */
export async function checkDeletion(call: VolumeCall, volume: Volume, attachmentId: string | undefined): Promise<void> {
  if (await call.fromService()) return
  const all = attachmentsOf(call.store, volume.id)
  if (attachmentId === undefined && all.length === 0) return
  const attachment = attachmentId === undefined ? (all.length === 1 ? all[0] : undefined) : call.store.attachments.get(attachmentId)
  if (attachment && attachment.volume_id !== volume.id) throw invalidInput('Mismatched volume and attachment')
  const server = attachment?.instance_uuid ?? ''
  if (attachment && (server === '' || Object.keys(attachment.connection_info).length === 0)) return
  if (attachment && (await isForgotten(call, attachment, server))) return
  throw fault(409, `ConflictNovaUsingAttachment: Detach volume from instance ${server} using the Compute API`)
}

/** Whether the server, or its hold on the volume, is gone. Without a compute service to ask nobody knows. */
async function isForgotten({ compute, caller }: VolumeCall, { id, volume_id }: Attachment, server: string): Promise<boolean> {
  if (!compute) return false
  return (await compute.attachmentOf(caller.token, server, volume_id)) !== id
}
