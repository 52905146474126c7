/** /attachments: how Nova takes volumes, since 3.27 (cinder/api/v3/attachments.py). */
import { reply } from '../service.ts'
import { checkConnectors, checkDeletion, completed, connect, release, reserveFor } from './attaching.ts'
import type { Attachment } from './documents.ts'
import { fault, noVolume } from './faults.ts'
import { allowFilters, listOf, pageOf, pagingOf, type SortKeys } from './listing.ts'
import { type Actions, type Operations, operation } from './operation.ts'
import { findAttachment } from './rules.ts'
import * as shapes from './shapes.ts'
import { moment, truth, type VolumeCall } from './state.ts'
import { attachmentsOf } from './store.ts'

const since = 27

interface Sent {
  readonly volume_uuid: string
  readonly instance_uuid?: string
  readonly connector?: Record<string, unknown> | null
  readonly mode?: string
}

export const attachments: Operations = {
  'GET /attachments': { since, run: (call) => list(call, summary) },
  'GET /attachments/detail': { since, run: (call) => list(call, detail) },
  'POST /attachments': operation({
    since,
    body: shapes.newAttachment,
    run(call, { attachment: sent }: { attachment: Sent }) {
      const volume = call.store.volumes.get(sent.volume_uuid)
      if (!volume || (!call.caller.isAdmin && volume.project_id !== call.projectId)) throw noVolume(sent.volume_uuid)
      const made = call.store.write(() => {
        const reserved = reserveFor(call, volume, { instanceUuid: sent.instance_uuid ?? null, mode: sent.mode ?? 'null' })
        return sent.connector ? connectedAtOnce(call, reserved, sent.connector) : reserved
      })
      return { attachment: detail(made) }
    },
  }),
  'GET /attachments/:id': { since, run: (call) => ({ attachment: detail(findAttachment(call, call.params.id!)) }) },
  'PUT /attachments/:id': operation({
    since,
    body: shapes.changedAttachment,
    run(call, { attachment: { connector } }: { attachment: { connector: Record<string, unknown> } }) {
      const attachment = findAttachment(call, call.params.id!)
      checkConnectors(call, call.store.volumes.get(attachment.volume_id)!)
      const { connection_info } = call.store.write(() => connect(call, attachment, connector))
      // Told as it was before, but for the connection.
      return { attachment: detail({ ...attachment, connection_info }) }
    },
  }),
  'DELETE /attachments/:id': { since, run: remove },
}

export const attachmentActions: Actions = {
  'POST /attachments/:id/action': {
    'os-complete': {
      since: 44,
      body: shapes.complete,
      run(call) {
        const attachment = findAttachment(call, call.params.id!)
        call.store.write(() => completed(call, attachment))
        return reply(204)
      },
    },
  },
}

/** The mode stays what was asked for, unlike that of an attachment that is connected later; told as it was before. */
function connectedAtOnce(call: VolumeCall, reserved: Attachment, connector: Record<string, unknown>): Attachment {
  const connected = connect(call, reserved, connector)
  call.store.attachments.put({ ...connected, attach_mode: reserved.attach_mode })
  return { ...reserved, connection_info: connected.connection_info }
}

const summary = ({ id, attach_status, instance_uuid, volume_id }: Attachment) => ({
  id,
  status: attach_status,
  instance: instance_uuid,
  volume_id,
})

const detail = (attachment: Attachment) => ({
  ...summary(attachment),
  attached_at: moment(attachment.attach_time) ?? '',
  detached_at: '',
  attach_mode: attachment.attach_mode,
  connection_info: attachment.connection_info,
})

/** Those that remain of the volume are told. */
async function remove(call: VolumeCall) {
  const { store } = call
  const attachment = findAttachment(call, call.params.id!)
  await checkDeletion(call, store.volumes.get(attachment.volume_id)!, attachment.id)
  // Somebody else may have been quicker.
  const { volume_id } = findAttachment(call, attachment.id)
  store.write(() => release(call, volume_id, attachment.id))
  return { attachments: attachmentsOf(store, volume_id).map(summary) }
}

const columns: SortKeys<Attachment> = {
  volume_id: ({ volume_id }) => volume_id,
  instance_uuid: ({ instance_uuid }) => instance_uuid,
  attach_status: ({ attach_status }) => attach_status,
  attached_host: ({ attached_host }) => attached_host,
  mountpoint: ({ mountpoint }) => mountpoint,
  attach_mode: ({ attach_mode }) => attach_mode,
  attach_time: ({ attach_time }) => attach_time,
}

function list(call: VolumeCall, view: (attachment: Attachment) => unknown) {
  const { paging, filters } = pagingOf(call)
  allowFilters(call, 'attachment', filters)
  const everybody = call.caller.isAdmin && filters.has('all_tenants') && truth(filters.get('all_tenants'))
  filters.delete('all_tenants')
  const found = candidates(call, filters).filter(
    (attachment) => (everybody || call.store.volumes.get(attachment.volume_id)?.project_id === call.projectId) && fits(attachment, filters),
  )
  const page = pageOf(found, paging, columns, (id) =>
    fault(404, `Volume attachment could not be found with filter: attachment_id = ${id}.`),
  )
  return { attachments: listOf(call, 'attachments', page, { limit: paging.limit, view }).attachments }
}

/** Clients ask for those of one volume; an index has them. */
const candidates = ({ store }: VolumeCall, filters: ReadonlyMap<string, string>): readonly Attachment[] => {
  const volume = filters.get('volume_id')
  return volume === undefined ? store.attachments.all() : attachmentsOf(store, volume)
}

/** `status` may be asked for and is none: it finds nothing (cinder/api/v3/attachments.py allowed_filters). */
const filterColumns: Readonly<Record<string, (attachment: Attachment) => unknown>> = {
  ...columns,
  instance_id: ({ instance_uuid }) => instance_uuid,
}

const fits = (attachment: Attachment, filters: ReadonlyMap<string, string>): boolean =>
  [...filters].every(([name, value]) => Object.hasOwn(filterColumns, name) && filterColumns[name]!(attachment) === value)
