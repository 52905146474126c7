/** /snapshots (cinder/api/v3/snapshots.py). */
import { reply } from '../service.ts'
import { trimmed } from './create.ts'
import type { Metadata, Snapshot, Volume } from './documents.ts'
import { badRequest, invalidSnapshot, invalidVolume, noSnapshot } from './faults.ts'
import { allowFilters, dictionary, hasAllOf, listOf, pageOf, pagingOf, type SortKeys } from './listing.ts'
import { type Actions, type Operations, operation } from './operation.ts'
import { reserve } from './quotas.ts'
import { findSnapshot, findVolume, requireAdmin } from './rules.ts'
import * as shapes from './shapes.ts'
import { moment, truth, type VolumeCall } from './state.ts'
import { isMigrating } from './volumes.ts'

interface Sent {
  readonly name?: string | null
  readonly display_name?: string | null
  readonly description?: string | null
  readonly display_description?: string | null
  readonly volume_id: string | null
  readonly force?: unknown
  readonly metadata?: Metadata | null
}

const snapshotOf = (call: VolumeCall): Snapshot => findSnapshot(call, call.params.id!)

export const snapshots: Operations = {
  'GET /snapshots': { run: (call) => list(call, 'snapshots', summary) },
  'GET /snapshots/detail': { run: (call) => list(call, 'snapshots/detail', (snapshot) => extended(call, snapshot)) },
  'POST /snapshots': operation({
    body: shapes.newSnapshot,
    run(call, { snapshot: sent }: { snapshot: Sent }) {
      const made = create(call, findVolume(call, sent.volume_id ?? 'None'), sent)
      // As Cinder tells of it: not made yet.
      return reply(202, { snapshot: detail(call, { ...made, status: 'creating', updated_at: null }) })
    },
  }),
  'GET /snapshots/:id': { run: (call) => ({ snapshot: extended(call, snapshotOf(call)) }) },
  'PUT /snapshots/:id': operation({
    body: shapes.changedSnapshot,
    run(call, { snapshot: sent }: { snapshot: Sent }) {
      const snapshot = snapshotOf(call)
      const changes = {
        ...(('name' in sent || 'display_name' in sent) && { name: trimmed(sent.name ?? sent.display_name) }),
        ...(('description' in sent || 'display_description' in sent) && {
          description: trimmed(sent.description ?? sent.display_description),
        }),
      }
      return { snapshot: detail(call, change(call, snapshot, changes)) }
    },
  }),
  'DELETE /snapshots/:id': {
    run(call) {
      remove(call, snapshotOf(call), false)
      return reply(202)
    },
  },
}

const rule = (action: string): string => `volume_extension:snapshot_admin_actions:${action}`

export const snapshotActions: Actions = {
  'POST /snapshots/:id/action': {
    'os-reset_status': operation({
      body: shapes.resetSnapshot,
      run(call, sent: { 'os-reset_status': { status: string } }) {
        const snapshot = snapshotOf(call)
        requireAdmin(rule('reset_status'), call.caller)
        change(call, snapshot, { status: sent['os-reset_status'].status.toLowerCase() })
        return reply(202)
      },
    }),
    'os-force_delete': {
      body: shapes.forceDelete,
      run(call) {
        const snapshot = snapshotOf(call)
        requireAdmin(rule('force_delete'), call.caller)
        remove(call, snapshot, true)
        return reply(202)
      },
    },
    // How Nova tells of a snapshot that it makes itself, on the host.
    'os-update_snapshot_status': operation({
      body: shapes.updateSnapshotStatus,
      run(call, sent: { 'os-update_snapshot_status': { status: string; progress?: string } }) {
        updateStatus(call, snapshotOf(call), sent['os-update_snapshot_status'])
        return reply(202)
      },
    }),
  },
}

/** Changes a snapshot in a `write` of its own. */
export const change = ({ store, clock }: VolumeCall, snapshot: Snapshot, changes: Partial<Snapshot>): Snapshot =>
  store.write(() => store.snapshots.put({ ...snapshot, ...changes, updated_at: clock.now() }))

function create(call: VolumeCall, volume: Volume, sent: Sent): Snapshot {
  const { store, clock, ids, caller, minor } = call
  const forced = sent.force !== undefined && truth(sent.force)
  if (minor >= 66 && sent.force !== undefined && !forced)
    throw badRequest(
      "Since microversion 3.66 the 'force' flag is invalid for this request.  For backward compatability, however, when the 'force' flag is passed with a value evaluating to True, it is silently ignored.",
    )
  checkOrigin(volume)
  const ready = forced || minor >= 66 ? ['available', 'in-use'] : ['available']
  if (!ready.includes(volume.status))
    throw invalidVolume(`Volume ${volume.id} status must be ${ready.join(', ')}, but current status is: ${volume.status}.`)
  const now = clock.now()
  return store.write(() => {
    reserve(call, { projectId: call.projectId, typeId: volume.volume_type_id, snapshots: 1, gigabytes: volume.size })
    return store.snapshots.put({
      id: ids.uuid(),
      project_id: call.projectId,
      user_id: caller.userId,
      volume_id: volume.id,
      name: trimmed(sent.name ?? sent.display_name),
      description: sent.description ?? null,
      status: 'available',
      progress: '100%',
      volume_size: volume.size,
      volume_type_id: volume.volume_type_id,
      metadata: sent.metadata ?? {},
      image_metadata: volume.bootable ? volume.image_metadata : null,
      use_quota: true,
      created_at: now,
      updated_at: now,
    })
  })
}

/** cinder/volume/api.py _create_snapshot_in_db_validate */
function checkOrigin(volume: Volume): void {
  if (volume.host === null) throw invalidVolume('The snapshot cannot be created because volume has not been scheduled to any host.')
  if (volume.status === 'maintenance') throw invalidVolume('The snapshot cannot be created when the volume is in maintenance mode.')
  if (isMigrating(volume)) throw invalidVolume('Snapshot cannot be created while volume is migrating.')
  if (volume.status === 'error') throw invalidVolume('The snapshot cannot be created when the volume is in error status.')
}

function remove({ store }: VolumeCall, snapshot: Snapshot, force: boolean): void {
  if (!force && snapshot.status !== 'available' && snapshot.status !== 'error')
    throw invalidSnapshot('Snapshot status must be available or error and must not be part of a group.')
  store.write(() => store.snapshots.remove(snapshot.id))
}

const nextStatuses: Readonly<Record<string, readonly string[]>> = {
  creating: ['creating', 'available', 'error'],
  deleting: ['deleting', 'error_deleting'],
}

function updateStatus(call: VolumeCall, snapshot: Snapshot, { status, progress }: { status: string; progress?: string }): void {
  const next = nextStatuses[snapshot.status]
  if (!next) throw badRequest(`Snapshot status ${snapshot.status} not allowed for update_snapshot_status`)
  if (!next.includes(status))
    throw badRequest(`Provided snapshot status ${status} not allowed for snapshot with status ${snapshot.status}.`)
  change(call, snapshot, { status, ...(progress && { progress }) })
}

const summary = (snapshot: Snapshot) => ({
  id: snapshot.id,
  created_at: moment(snapshot.created_at),
  updated_at: moment(snapshot.updated_at),
  name: snapshot.name,
  description: snapshot.description,
  volume_id: snapshot.volume_id,
  status: snapshot.status,
  size: snapshot.volume_size,
  metadata: snapshot.metadata,
})

const detail = ({ minor }: VolumeCall, snapshot: Snapshot) => ({
  ...summary(snapshot),
  ...(minor >= 14 && { group_snapshot_id: null }),
  ...(minor >= 41 && { user_id: snapshot.user_id }),
  ...(minor >= 65 && { consumes_quota: snapshot.use_quota }),
})

const extended = (call: VolumeCall, snapshot: Snapshot) => ({
  ...detail(call, snapshot),
  'os-extended-snapshot-attributes:project_id': snapshot.project_id,
  'os-extended-snapshot-attributes:progress': snapshot.progress,
})

const columns: SortKeys<Snapshot> = {
  display_name: ({ name }) => name,
  display_description: ({ description }) => description,
  status: ({ status }) => status,
  volume_id: ({ volume_id }) => volume_id,
  volume_size: ({ volume_size }) => volume_size,
  project_id: ({ project_id }) => project_id,
  user_id: ({ user_id }) => user_id,
  progress: ({ progress }) => progress,
  use_quota: ({ use_quota }) => use_quota,
  volume_type_id: ({ volume_type_id }) => volume_type_id,
  updated_at: ({ updated_at }) => updated_at,
}

/** `name` since 3.30; before, it was no column. */
const sortColumns = ({ minor }: VolumeCall): SortKeys<Snapshot> => (minor >= 30 ? { ...columns, name: ({ name }) => name } : columns)

function list(call: VolumeCall, path: string, view: (snapshot: Snapshot) => unknown) {
  const { paging, filters } = pagingOf(call)
  const { store, caller, projectId, minor } = call
  const everybody = caller.isAdmin && truth(filters.get('all_tenants'))
  if (minor < 22) filters.delete('metadata')
  if (minor < 31) for (const name of filters.keys()) if (!caller.isAdmin && !early.includes(name)) filters.delete(name)
  if (minor >= 31) allowFilters(call, 'snapshot', filters)
  filters.delete('all_tenants')
  const own = everybody ? store.snapshots.all() : store.snapshots.by('project_id', projectId)
  const tests = [...filters].map(([name, value]) => testOf(call, name, value))
  const page = pageOf(
    own.filter((snapshot) => tests.every((test) => test(snapshot))),
    paging,
    sortColumns(call),
    noSnapshot,
  )
  return listOf(call, 'snapshots', page, { limit: paging.limit, view, path })
}

/** What others than administrators could filter by before 3.31. */
const early = ['status', 'volume_id', 'name', 'metadata']

/** A filter of a name that no column has finds nothing. */
function testOf({ store, minor }: VolumeCall, name: string, value: string): (snapshot: Snapshot) => boolean {
  if (name === 'metadata') {
    const wanted = dictionary(value)
    return ({ metadata }) => wanted !== undefined && hasAllOf(metadata, wanted)
  }
  if (name === 'availability_zone') return ({ volume_id }) => store.volumes.get(volume_id)?.availability_zone === value
  if (name === 'host') return ({ volume_id }) => store.volumes.get(volume_id)?.host?.startsWith(value) ?? false
  const key = name === 'name' ? 'display_name' : name === 'consumes_quota' ? 'use_quota' : name
  if (name.endsWith('~') && minor >= 34) {
    const column = name === 'name~' ? columns.display_name : columns[name.slice(0, -1)]
    return (snapshot) =>
      column !== undefined &&
      String(column(snapshot) ?? '')
        .toLowerCase()
        .includes(value.toLowerCase())
  }
  const column = Object.hasOwn(columns, key) ? columns[key]! : undefined
  const wanted = key === 'use_quota' ? String(truth(value)) : value
  return (snapshot) => column !== undefined && String(column(snapshot)) === wanted
}
