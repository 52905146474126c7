/** /volumes: what is kept of volumes, made, shown, changed and removed (cinder/api/v3/volumes.py). */
import { reply } from '../service.ts'
import { createVolume, type SentVolume, trimmed } from './create.ts'
import type { Metadata, Snapshot, Volume } from './documents.ts'
import { invalidVolume } from './faults.ts'
import { type Operations, operation } from './operation.ts'
import { findVolume, requireAdmin } from './rules.ts'
import * as shapes from './shapes.ts'
import { putVolume, truth, type VolumeCall } from './state.ts'
import { attachmentsOf, snapshotsOf } from './store.ts'
import { detail, extended, summary } from './view.ts'
import { listVolumes, volumeTotals } from './volume-search.ts'

export const volumes: Operations = {
  'GET /volumes': { run: (call) => listVolumes(call, 'volumes', (volume) => summary(call, volume)) },
  'GET /volumes/detail': { run: (call) => listVolumes(call, 'volumes/detail', (volume) => extended(call, volume)) },
  'GET /volumes/summary': { since: 12, run: volumeTotals },
  'POST /volumes': operation({
    body: shapes.newVolume,
    async run(call, { volume: sent }: { volume: SentVolume }) {
      const made = await createVolume(call, sent)
      // As Cinder tells of it: not scheduled yet.
      const told: Volume = {
        ...made,
        status: 'creating',
        host: null,
        updated_at: null,
        bootable: sent.imageRef || sent.image_id ? false : made.bootable,
      }
      return reply(202, { volume: detail(call, told) })
    },
  }),
  'GET /volumes/:id': { run: (call) => ({ volume: extended(call, findVolume(call, call.params.id!)) }) },
  'PUT /volumes/:id': operation({
    body: shapes.changedVolume,
    run(call, { volume: sent }: { volume: SentChanges }) {
      const volume = findVolume(call, call.params.id!)
      if (volume.status === 'maintenance') throw invalidVolume('The volume cannot be updated during maintenance.')
      return {
        volume: detail(
          call,
          call.store.write(() => putVolume(call, volume, changesOf(sent))),
        ),
      }
    },
  }),
  'DELETE /volumes/:id': {
    run(call) {
      const volume = findVolume(call, call.params.id!)
      const force = call.minor >= 23 && truth(call.query.get('force'))
      if (force) requireAdmin('volume:force_delete', call.caller)
      removeVolume(call, volume, { cascade: truth(call.query.get('cascade')), force })
      return reply(202)
    },
  },
  'GET /volumes/:id/encryption': {
    run(call) {
      findVolume(call, call.params.id!)
      return { encryption_key_id: null }
    },
  },
  'GET /volumes/:id/encryption/:key': {
    run(call) {
      findVolume(call, call.params.id!)
      return reply(200, call.params.key === 'encryption_key_id' ? 'None' : '')
    },
  },
}

interface SentChanges {
  readonly name?: string | null
  readonly display_name?: string | null
  readonly description?: string | null
  readonly display_description?: string | null
  readonly metadata?: Metadata
}

const changesOf = (sent: SentChanges): Partial<Volume> => ({
  ...(('name' in sent || 'display_name' in sent) && { name: trimmed(sent.name ?? sent.display_name) }),
  ...(('description' in sent || 'display_description' in sent) && { description: trimmed(sent.description ?? sent.display_description) }),
  ...(sent.metadata && { metadata: sent.metadata }),
})

const deletable = ['available', 'error', 'error_restoring', 'error_extending', 'error_managing']

export interface Removal {
  /** Snapshots go too. */
  readonly cascade?: boolean
  /** Whatever its status. */
  readonly force?: boolean
}

/** 400 unless it may go (cinder/volume/api.py API.delete). A volume that no back end took goes without questions. */
export function removeVolume(call: VolumeCall, volume: Volume, { cascade = false, force = false }: Removal): void {
  const { store } = call
  const snapshots = snapshotsOf(store, volume.id)
  const removable =
    volume.attach_status !== 'attached' &&
    !isMigrating(volume) &&
    (force || deletable.includes(volume.status)) &&
    (cascade ? force || snapshots.every((snapshot) => mayFollow(call, snapshot)) : snapshots.length === 0)
  if (volume.host !== null && !removable)
    throw invalidVolume(
      `Volume ${force ? '' : `status must be ${deletable.join(' or ')} and`} must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, or be disassociated from snapshots after volume transfer.`,
    )
  store.write(() => forget(call, volume, snapshots))
}

const mayFollow = ({ caller }: VolumeCall, { status, project_id }: Snapshot): boolean =>
  (status === 'available' || status === 'error') && (caller.isAdmin || project_id === caller.projectId)

/** Takes a volume and all that hangs on it out of the tables; inside a `write`. */
export function forget({ store }: Pick<VolumeCall, 'store'>, { id }: Volume, snapshots: readonly Snapshot[]): void {
  for (const attachment of attachmentsOf(store, id)) store.attachments.remove(attachment.id)
  for (const snapshot of snapshots) store.snapshots.remove(snapshot.id)
  store.volumes.remove(id)
}

/** cinder/volume/api.py API.AVAILABLE_MIGRATION_STATUS */
export const isMigrating = ({ migration_status }: Volume): boolean => ![null, 'deleting', 'error', 'success'].includes(migration_status)
