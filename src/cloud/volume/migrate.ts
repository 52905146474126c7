/**
 * Volumes that move to the other back end. One that no server has moves at once; one that is in use gets a second volume there, which Nova
 * puts in its place, and tells when it has (cinder/volume/manager.py _migrate_volume_generic, migrate_volume_completion).
 */
import { reply } from '../service.ts'
import { checkDeletion, release } from './attaching.ts'
import { backendOf, poolName, serviceOf } from './backends.ts'
import type { Attachment, Volume, VolumeType } from './documents.ts'
import { badRequest, invalidInput, invalidVolume, notBuilt } from './faults.ts'
import { type Operations, operation } from './operation.ts'
import { findVolume, requireAdmin } from './rules.ts'
import * as shapes from './shapes.ts'
import { putVolume, truth, type VolumeCall } from './state.ts'
import { attachmentsOf, snapshotsOf } from './store.ts'
import { attach } from './volume-actions.ts'
import { forget, isMigrating } from './volumes.ts'

interface SentMigration {
  readonly host?: string | null
  readonly cluster?: string | null
  readonly lock_volume?: unknown
  readonly force_host_copy?: unknown
}

export const migrateActions: Operations = {
  'os-migrate_volume': operation({
    body: shapes.migrate,
    run(call, sent: { 'os-migrate_volume': SentMigration }) {
      const volume = findVolume(call, call.params.id!)
      requireAdmin('volume_extension:volume_admin_actions:migrate_volume', call.caller)
      move(call, volume, poolAsked(call, sent['os-migrate_volume']))
      return reply(202)
    },
  }),
  'os-migrate_volume_completion': operation({
    body: shapes.migrateCompletion,
    async run(call, sent: { 'os-migrate_volume_completion': { new_volume: string; error?: unknown } }) {
      const volume = findVolume(call, call.params.id!)
      requireAdmin('volume_extension:volume_admin_actions:migrate_volume_completion', call.caller)
      const { new_volume, error } = sent['os-migrate_volume_completion']
      return { save_volume_id: await finish(call, volume, findVolume(call, new_volume), truth(error)) }
    },
  }),
}

/** The pool that is meant by a host, with or without the pool in its name; 400 when there is none that is up. */
function poolAsked(call: VolumeCall, { host, cluster }: SentMigration): string {
  const named = call.minor >= 16 ? cluster : undefined
  if (Boolean(host) === Boolean(named))
    throw invalidInput(call.minor >= 16 ? 'One and only one of cluster and host must be set.' : 'Host field is missing.')
  const backend = host ? backendOf(host) : ''
  const service = serviceOf(call, backend)
  if (!service || service.disabled) throw badRequest(`Invalid host: No available service named '${named || host}'`)
  return poolName(call.settings, backend.split('@')[1]!)
}

function move(call: VolumeCall, volume: Volume, pool: string): void {
  const movable =
    (volume.status === 'available' || volume.status === 'in-use') &&
    !isMigrating(volume) &&
    volume.host !== pool &&
    snapshotsOf(call.store, volume.id).length === 0
  if (!movable)
    throw invalidVolume(
      `Volume ${volume.id} status must be available or in-use, must not be migrating, have snapshots, be replicated, be part of a group and destination host/cluster must be different than the current one`,
    )
  moveTo(call, volume, pool)
}

/** Moves a volume for which that was checked. */
export function moveTo(call: VolumeCall, volume: Volume, pool: string, newType?: VolumeType): void {
  const type = newType && { volume_type_id: newType.id }
  const attachments = attachmentsOf(call.store, volume.id)
  const moved = { host: pool, migration_status: 'success', previous_status: volume.status, ...type }
  if (attachments.length > 0) swap(call, volume, pool, attachments, type)
  else call.store.write(() => putVolume(call, volume, moved))
}

function swap(
  call: VolumeCall,
  volume: Volume,
  pool: string,
  attachments: readonly Attachment[],
  type: Pick<Volume, 'volume_type_id'> | undefined,
): void {
  const { store, clock, ids, compute, later } = call
  if (!compute) throw notBuilt('compute service, which would have to swap the volume')
  const target: Volume = {
    ...volume,
    ...type,
    id: ids.uuid(),
    host: pool,
    status: 'available',
    previous_status: null,
    attach_status: 'detached',
    migration_status: `target:${volume.id}`,
    image_metadata: null,
    use_quota: false,
    made_for: null,
    created_at: clock.now(),
    updated_at: clock.now(),
  }
  store.write(() => {
    store.volumes.put(target)
    putVolume(call, volume, { migration_status: 'migrating', previous_status: volume.status })
  })
  later(async () => {
    try {
      for (const { instance_uuid } of attachments) if (instance_uuid) await compute.swap(instance_uuid, volume.id, target.id)
    } catch (error) {
      giveUp(call, volume.id, target.id)
      throw error
    }
  })
}

/** Nova does not swap: the volume stays where it was. */
function giveUp(call: Pick<VolumeCall, 'store' | 'clock'>, volumeId: string, targetId: string): void {
  const { store } = call
  const volume = store.volumes.get(volumeId)
  const target = store.volumes.get(targetId)
  store.write(() => {
    if (target) forget(call, target, [])
    if (volume?.migration_status === 'migrating') putVolume(call, volume, { migration_status: 'error' })
  })
}

/** Moves of which no server had heard when the process ended; those that one has begun end when it says so. Inside a `write`. */
export function giveUpUnasked(cinder: Pick<VolumeCall, 'store' | 'clock'>): void {
  const { store } = cinder
  for (const target of store.volumes.filter(({ migration_status }) => migration_status?.startsWith('target:') ?? false)) {
    const volumeId = target.migration_status!.slice('target:'.length)
    if (store.volumes.get(volumeId)?.status === 'in-use' && attachmentsOf(store, target.id).length === 0)
      giveUp(cinder, volumeId, target.id)
  }
}

/** The id of the volume that the server has from then on. */
async function finish(call: VolumeCall, volume: Volume, target: Volume, failed: boolean): Promise<string> {
  if (!volume.migration_status && !target.migration_status) return failed ? target.id : exchange(call, volume, target)
  if (!volume.migration_status) throw invalidVolume('Source volume not mid-migration.')
  if (!target.migration_status) throw invalidVolume('Destination volume not mid-migration.')
  if (target.migration_status !== `target:${volume.id}`)
    throw invalidVolume(`Destination has migration_status ${target.migration_status}, expected target:${volume.id}.`)
  const { store } = call
  const before = volume.previous_status ?? volume.status
  store.write(() => {
    if (!failed) return takeOver(call, volume, target, before)
    forget(call, target, [])
    putVolume(call, volume, { migration_status: 'error', status: before })
  })
  return volume.id
}

/** Two volumes of which a user asked Nova to swap them: attachments of the old way go over to the new one. */
async function exchange(call: VolumeCall, volume: Volume, target: Volume): Promise<string> {
  const attachments = attachmentsOf(call.store, volume.id)
  for (const { id } of attachments) await checkDeletion(call, volume, id)
  call.store.write(() => {
    for (const attachment of attachments) {
      release(call, volume.id, attachment.id)
      attach(call, call.store.volumes.get(target.id)!, formerly(attachment))
    }
  })
  return target.id
}

const formerly = ({ instance_uuid, attached_host, mountpoint, attach_mode }: Attachment) => ({
  ...(instance_uuid !== null && { instance_uuid }),
  ...(attached_host !== null && { host_name: attached_host }),
  mountpoint: mountpoint ?? 'na',
  mode: attach_mode ?? 'rw',
})

/** The volume keeps its id and takes all else from its target: the place, and who has it. Inside a `write`. */
function takeOver(call: VolumeCall, volume: Volume, target: Volume, before: string): void {
  const { store } = call
  const former = before === 'in-use' && volume.status !== 'available' ? attachmentsOf(store, volume.id) : []
  for (const { id } of former) store.attachments.remove(id)
  const brought = attachmentsOf(store, target.id)
  const moved = putVolume(call, volume, {
    host: target.host,
    volume_type_id: target.volume_type_id,
    attach_status: target.attach_status,
    status: before,
    previous_status: target.status,
    migration_status: 'success',
  })
  for (const attachment of brought) store.attachments.put({ ...attachment, volume_id: volume.id })
  forget(call, target, [])
  if (before !== 'in-use' || brought.length > 0 || !['available', 'reserved', 'attaching'].includes(target.status)) return
  for (const attachment of former) attach(call, { ...moved, status: target.status }, formerly(attachment))
}
