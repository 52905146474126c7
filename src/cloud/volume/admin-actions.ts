/** What administrators do with volumes, and what needs a new type or an old snapshot (cinder/api/contrib/admin_actions.py). */
import { reply } from '../service.ts'
import { checkDeletion } from './attaching.ts'
import { openPools, poolFor } from './backends.ts'
import type { Snapshot, Volume, VolumeType } from './documents.ts'
import { badRequest, conflict, invalidInput, invalidVolume } from './faults.ts'
import { moveTo } from './migrate.ts'
import { type Operations, operation } from './operation.ts'
import { reserve } from './quotas.ts'
import { findVolume, requireAdmin } from './rules.ts'
import * as shapes from './shapes.ts'
import { putVolume, type VolumeCall } from './state.ts'
import { attachmentsOf, snapshotsOf } from './store.ts'
import { checkTypeSize, isMultiattach, typeNamed } from './types.ts'
import { detach } from './volume-actions.ts'
import { isMigrating, removeVolume } from './volumes.ts'

const volumeOf = (call: VolumeCall): Volume => findVolume(call, call.params.id!)
const rule = (action: string): string => `volume_extension:volume_admin_actions:${action}`

interface Reset {
  readonly status?: string | null
  readonly attach_status?: string | null
  readonly migration_status?: string | null
}

export const adminActions: Operations = {
  'os-reset_status': operation({
    body: shapes.resetStatus,
    run(call, sent: { 'os-reset_status': Reset }) {
      reset(call, sent['os-reset_status'])
      return reply(202)
    },
  }),
  'os-force_detach': operation({
    body: shapes.forceDetach,
    async run(call, sent: { 'os-force_detach': { attachment_id?: string | null } }) {
      const volume = volumeOf(call)
      requireAdmin(rule('force_detach'), call.caller)
      const id = sent['os-force_detach'].attachment_id ?? undefined
      await checkDeletion(call, volume, undefined)
      await checkDeletion(call, volume, id)
      detach(call, volume.id, id)
      return reply(202)
    },
  }),
  'os-force_delete': {
    body: shapes.forceDelete,
    run(call) {
      const volume = volumeOf(call)
      requireAdmin(rule('force_delete'), call.caller)
      removeVolume(call, volume, { force: true })
      return reply(202)
    },
  },
  'os-retype': operation({
    body: shapes.retype,
    run(call, sent: { 'os-retype': { new_type: string; migration_policy?: string | null } }) {
      const { new_type, migration_policy } = sent['os-retype']
      retype(call, volumeOf(call), new_type, migration_policy === 'on-demand')
      return reply(202)
    },
  }),
  revert: operation({
    since: 40,
    body: shapes.revert,
    run(call, sent: { revert: { snapshot_id?: string | null } }) {
      revert(call, volumeOf(call), sent.revert.snapshot_id ?? null)
      return reply(202)
    },
  }),
}

function reset(call: VolumeCall, { status, attach_status, migration_status }: Reset): void {
  const { store, caller } = call
  if (!status && !attach_status && !migration_status)
    throw badRequest("Must specify 'status', 'attach_status' or 'migration_status' for update.")
  const volume = volumeOf(call)
  requireAdmin(rule('reset_status'), caller)
  const wanted = status?.toLowerCase()
  if (wanted === 'deleting' || wanted === 'error_deletingdetaching') throw badRequest(`Cannot reset-state to ${wanted}`)
  const attachments = attachmentsOf(store, volume.id)
  if (wanted === 'in-use' && attachments.length === 0)
    throw badRequest('Cannot reset-state to in-use because volume does not have any attachments.')
  const changes: Partial<Volume> = {
    ...(wanted && { status: wanted }),
    ...(attach_status && { attach_status: attach_status.toLowerCase() }),
    ...(migration_status && { migration_status: migration_status.toLowerCase() === 'none' ? null : migration_status.toLowerCase() }),
  }
  const detached = attach_status?.toLowerCase() === 'detached'
  store.write(() => {
    // Without its attachments the volume is free, whatever else was asked for (cinder/db/sqlalchemy/api.py volume_detached).
    const freed = detached && attachments.length > 0 && { status: 'available' }
    if (detached) for (const { id } of attachments) store.attachments.remove(id)
    putVolume(call, volume, { ...changes, ...(detached && { attached_mode: null }), ...freed })
  })
}

function retype(call: VolumeCall, volume: Volume, reference: string, mayMove: boolean): void {
  const type = typeNamed(call, reference)
  checkTypeSize(type, volume.size)
  const multiattach = isMultiattach(type)
  if (multiattach !== volume.multiattach && volume.status !== 'available')
    throw invalidInput(
      `Invalid volume_type passed, retypes affecting multiattach are only allowed on available volumes, the specified volume however currently has a status of: ${volume.status}.`,
    )
  reserve(call, { projectId: volume.project_id, typeId: type.id, volumes: 1, gigabytes: volume.size, typeOnly: true })
  const ready = (volume.status === 'available' || volume.status === 'in-use') && !isMigrating(volume) && volume.volume_type_id !== type.id
  if (!ready)
    throw invalidVolume(
      'Retype needs volume to be in available or in-use state, not be part of an active migration or a consistency group, requested type has to be different that the one from the volume, and for in-use volumes front-end qos specs cannot change.',
    )
  change(call, volume, type, mayMove)
}

/** Where the volume is, if that takes the type; elsewhere, if it may move; otherwise nothing, as when a scheduler finds no back end. */
function change(call: VolumeCall, volume: Volume, type: VolumeType, mayMove: boolean): void {
  const { store } = call
  const multiattach = isMultiattach(type)
  const stays = volume.host !== null && poolFor(call, type, volume.host) !== undefined
  if (stays) {
    store.write(() => {
      putVolume(call, volume, { volume_type_id: type.id, multiattach })
      for (const snapshot of snapshotsOf(store, volume.id)) store.snapshots.put({ ...snapshot, volume_type_id: type.id })
    })
    return
  }
  const pool = mayMove && poolFor(call, type) !== undefined ? openPools(call).find((each) => each !== volume.host) : undefined
  if (pool !== undefined && snapshotsOf(store, volume.id).length === 0) moveTo(call, { ...volume, multiattach }, pool, type)
}

/** Back to the latest snapshot: 400 for another one, 409 while either is busy. */
function revert(call: VolumeCall, volume: Volume, snapshotId: string | null): void {
  const latest = snapshotsOf(call.store, volume.id).reduce<Snapshot | undefined>(
    (last, each) => (last === undefined || each.created_at >= last.created_at ? each : last),
    undefined,
  )
  if (!latest) throw badRequest(`Volume ${volume.id} doesn't have any snapshots.`)
  if (snapshotId !== latest.id)
    throw badRequest(`Specified snapshot ${snapshotId ?? 'None'} is None or not the latest one of volume ${volume.id}.`)
  if (volume.size !== latest.volume_size)
    throw badRequest(
      `Can't revert volume ${volume.id} to its latest snapshot ${snapshotId}. The volume size must be equal to the snapshot size.`,
    )
  const refuse = (kind: string, whose: string) =>
    conflict(
      `Invalid ${kind}: Can't revert volume ${volume.id} to its latest snapshot ${latest.id}. ${whose}'s status must be 'available'.`,
    )
  if (volume.status !== 'available') throw refuse('volume', 'Volume')
  if (latest.status !== 'available') throw refuse('snapshot', 'Snapshot')
  call.store.write(() => putVolume(call, volume, {}))
}
