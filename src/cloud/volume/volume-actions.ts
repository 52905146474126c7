/** What owners do with a volume by POST of an action: attach in the old way, extend, change (cinder/api/contrib/volume_actions.py). */
import { reply } from '../service.ts'
import { checkDeletion, release } from './attaching.ts'
import { legacyConnectionInfo } from './connection.ts'
import type { Attachment, Volume } from './documents.ts'
import { badRequest, invalidVolume } from './faults.ts'
import { type Operations, operation } from './operation.ts'
import { findVolume } from './rules.ts'
import * as shapes from './shapes.ts'
import { putVolume, truth, type VolumeCall } from './state.ts'
import { attachmentsOf } from './store.ts'
import { isMigrating } from './volumes.ts'

const volumeOf = (call: VolumeCall): Volume => findVolume(call, call.params.id!)

/** An action that changes the volume and answers nothing but 202. */
const change = <B>(body: (typeof shapes)[keyof typeof shapes], act: (call: VolumeCall, volume: Volume, sent: B) => void | Promise<void>) =>
  operation({
    body: body as typeof shapes.attach,
    async run(call, sent: Record<string, B>) {
      await act(call, volumeOf(call), Object.values(sent)[0]!)
      return reply(202)
    },
  })

export const volumeActions: Operations = {
  'os-reserve': change(shapes.reserve, (call, volume) => {
    const free = volume.multiattach ? ['available', 'in-use'] : ['available']
    if (!free.includes(volume.status))
      throw invalidVolume(`Volume status must be ${free.join(' or ')} to reserve, but the status is ${volume.status}.`)
    set(call, volume, { status: 'attaching' })
  }),
  'os-unreserve': change(shapes.unreserve, unreserve),
  'os-begin_detaching': change(shapes.beginDetaching, (call, volume) => {
    const attached = volume.status === 'in-use' && volume.attach_status === 'attached'
    if (attached && !isMigrating(volume)) set(call, volume, { status: 'detaching' })
    else if (!isMigrating(volume))
      throw invalidVolume("Unable to detach volume. Volume status must be 'in-use' and attach_status must be 'attached' to detach.")
  }),
  'os-roll_detaching': change(shapes.rollDetaching, (call, volume) => {
    if (volume.status === 'detaching') set(call, volume, { status: 'in-use' })
  }),
  'os-attach': change<SentAttach>(shapes.attach, (call, volume, sent) => call.store.write(() => attach(call, volume, sent))),
  'os-detach': change<{ attachment_id?: string | null } | null>(shapes.detach, async (call, volume, sent) => {
    await checkDeletion(call, volume, sent?.attachment_id ?? undefined)
    detach(call, volume.id, sent?.attachment_id ?? undefined)
  }),
  'os-initialize_connection': operation({
    body: shapes.initializeConnection,
    run(call, sent: { 'os-initialize_connection': { connector: Record<string, unknown> } }) {
      const volume = volumeOf(call)
      if (volume.status === 'maintenance') throw invalidVolume('The volume connection cannot be initialized in maintenance mode.')
      return { connection_info: legacyConnectionInfo(call, volume, sent['os-initialize_connection'].connector) }
    },
  }),
  'os-terminate_connection': change(shapes.terminateConnection, async (call, volume) => {
    await checkDeletion(call, volume, undefined)
    unreserve(call, volumeOf(call))
  }),
  'os-set_bootable': operation({
    body: shapes.setBootable,
    run(call, sent: { 'os-set_bootable': { bootable: unknown } }) {
      const volume = volumeOf(call)
      if (volume.status === 'maintenance') throw invalidVolume('The volume cannot be updated during maintenance.')
      set(call, volume, { bootable: truth(sent['os-set_bootable'].bootable) })
      return reply(200)
    },
  }),
  'os-update_readonly_flag': change<{ readonly: unknown }>(shapes.readonlyFlag, (call, volume, sent) => {
    if (volume.status !== 'available')
      throw invalidVolume(`Volume ${volume.id} status must be available to update readonly flag, but current status is: ${volume.status}.`)
    set(call, volume, { readonly: truth(sent.readonly) })
  }),
}

const set = (call: VolumeCall, volume: Volume, changes: Partial<Volume>): void =>
  void call.store.write(() => putVolume(call, volume, changes))

function unreserve(call: VolumeCall, volume: Volume): void {
  if (volume.status !== 'attaching') return
  const attached = attachmentsOf(call.store, volume.id).some(({ attach_status }) => attach_status === 'attached')
  set(call, volume, { status: attached ? 'in-use' : 'available' })
}

interface SentAttach {
  readonly instance_uuid?: string
  readonly host_name?: string
  readonly mountpoint: string
  readonly mode?: string
}

/** Records that a volume has come to a server or a host (cinder/volume/manager.py attach_volume). Inside a `write`. */
export function attach(call: VolumeCall, volume: Volume, { instance_uuid, host_name, mountpoint, mode = 'rw' }: SentAttach): void {
  const { store, clock, ids } = call
  if (volume.status === 'maintenance') throw invalidVolume('The volume cannot be attached in maintenance mode.')
  if (volume.readonly && mode !== 'ro') throw badRequest(`Invalid attaching mode '${mode}' for volume ${volume.id}.`)
  if (volume.status === 'attaching' && volume.attached_mode !== null && volume.attached_mode !== mode)
    throw invalidVolume('being attached by different mode')
  const same = (each: Attachment) =>
    instance_uuid === undefined ? each.attached_host === host_name && each.instance_uuid === null : each.instance_uuid === instance_uuid
  if (attachmentsOf(store, volume.id).some(same)) return void putVolume(call, volume, { status: 'in-use' })
  if (volume.status === 'in-use' && !volume.multiattach && volume.migration_status === null)
    throw invalidVolume('volume is already attached and multiple attachments are not enabled')
  store.attachments.put({
    id: ids.uuid(),
    volume_id: volume.id,
    instance_uuid: instance_uuid ?? null,
    attached_host: host_name ?? null,
    mountpoint,
    attach_status: 'attached',
    attach_mode: mode,
    connector: null,
    connection_info: {},
    attach_time: clock.now(),
    created_at: clock.now(),
  })
  putVolume(call, volume, { status: 'in-use', attach_status: 'attached', attached_mode: mode, readonly: volume.readonly ?? false })
}

/** Records that it has left; 400 when it is not said whom of several. */
export function detach(call: VolumeCall, volumeId: string, attachmentId: string | undefined): void {
  const { store } = call
  const volume = findVolume(call, volumeId)
  if (volume.status === 'maintenance') throw invalidVolume('The volume cannot be detached in maintenance mode.')
  const all = attachmentsOf(store, volumeId)
  if (attachmentId === undefined && all.length > 1)
    throw invalidVolume('Detach volume failed: More than one attachment, but no attachment_id provided.')
  store.write(() => release(call, volumeId, attachmentId ?? all[0]?.id))
}
