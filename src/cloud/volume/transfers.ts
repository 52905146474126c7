/** Volumes that go from one project to another: offered, and taken with a key (cinder/transfer/api.py). Served at two places. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { reply } from '../service.ts'
import type { Transfer, Volume } from './documents.ts'
import { badRequest, invalidSnapshot, invalidVolume, noTransfer } from './faults.ts'
import { linksTo } from './links.ts'
import { listOf, type Paging, pageOf, pagingOf, type SortKeys } from './listing.ts'
import { type Operations, operation } from './operation.ts'
import { checkSize, reserve } from './quotas.ts'
import { findVolume } from './rules.ts'
import * as shapes from './shapes.ts'
import { moment, putVolume, truth, type VolumeCall } from './state.ts'
import { snapshotsOf } from './store.ts'

interface Sent {
  readonly volume_id: string
  readonly name?: string | null
  readonly no_snapshots?: unknown
}

/** /os-volume-transfer is the old place, /volume-transfers that of 3.55 and later. */
export const transfers: Operations = { ...operationsAt('/os-volume-transfer', 0), ...operationsAt('/volume-transfers', 55) }

function operationsAt(path: string, since: number): Operations {
  const later = since > 0
  return {
    [`GET ${path}`]: { since, run: (call) => list(call, later, (transfer) => summary(call, transfer)) },
    [`GET ${path}/detail`]: { since, run: (call) => list(call, later, (transfer) => detail(call, transfer)) },
    [`POST ${path}`]: operation({
      since,
      body: later ? shapes.newVolumeTransfer : shapes.newTransfer,
      run: (call, { transfer }: { transfer: Sent }) => reply(202, { transfer: offer(call, transfer) }),
    }),
    [`GET ${path}/:id`]: { since, run: (call) => ({ transfer: detail(call, found(call)) }) },
    [`POST ${path}/:id/accept`]: operation({
      since,
      body: shapes.acceptTransfer,
      run: (call, { accept: sent }: { accept: { auth_key: string | number } }) =>
        reply(202, { transfer: summary(call, accept(call, String(sent.auth_key))) }),
    }),
    [`DELETE ${path}/:id`]: { since, run: withdraw },
  }
}

/** Those of volumes that the caller sees; an accepted one is gone. */
function found(call: VolumeCall): Transfer {
  const transfer = call.store.transfers.get(call.params.id!)
  if (!transfer || transfer.accepted || !isMine(call, transfer)) throw noTransfer(call.params.id!)
  return transfer
}

const isMine = ({ caller, projectId }: VolumeCall, { source_project_id }: Transfer): boolean =>
  caller.isAdmin || source_project_id === projectId

const summary = (call: VolumeCall, { id, volume_id, name }: Transfer) => ({
  id,
  volume_id,
  name,
  links: linksTo(call, 'os-volume-transfer', id),
})

const detail = (call: VolumeCall, transfer: Transfer, authKey?: string) => ({
  id: transfer.id,
  created_at: moment(transfer.created_at),
  name: transfer.name,
  volume_id: transfer.volume_id,
  ...(authKey !== undefined && { auth_key: authKey }),
  links: linksTo(call, 'os-volume-transfer', transfer.id),
  ...(call.minor >= 55 && { no_snapshots: transfer.no_snapshots }),
  ...(call.minor >= 57 && {
    destination_project_id: transfer.destination_project_id,
    source_project_id: transfer.source_project_id,
    accepted: transfer.accepted,
  }),
})

const columns: SortKeys<Transfer> = { display_name: ({ name }) => name, name: ({ name }) => name, volume_id: ({ volume_id }) => volume_id }
const oldestFirst: Paging['order'] = [{ key: 'created_at', descending: false }]

/** Pages and orders since 3.59; before, the oldest first. */
function list(call: VolumeCall, later: boolean, view: (transfer: Transfer) => unknown) {
  const { paging, filters } = pagingOf(call)
  const everybody = call.caller.isAdmin && truth(filters.get('all_tenants'))
  const name = filters.get('name')
  const wanted = call.store.transfers.filter(
    (transfer) =>
      !transfer.accepted && (everybody || transfer.source_project_id === call.projectId) && (name === undefined || transfer.name === name),
  )
  const order = later && call.minor >= 59 ? paging.order : oldestFirst
  const page = pageOf(wanted, { ...paging, order }, columns, noTransfer)
  return listOf(call, 'transfers', page, { limit: paging.limit, view, path: 'os-volume-transfer' })
}

/** Lengths of volume_transfer_key_length and volume_transfer_salt_length. */
const keyLength = 16
const saltLength = 8
const hex = (length: number): string => randomBytes(length).toString('hex').slice(0, length)
const sealed = (salt: string, key: string): string => createHmac('sha1', salt).update(key).digest('hex')

/** What is offered waits, and can be used by nobody; the key is told here only. */
function offer(call: VolumeCall, { volume_id, name, no_snapshots }: Sent) {
  const { store, clock, ids } = call
  const volume = findVolume(call, volume_id)
  if (volume.status !== 'available') throw invalidVolume('status must be available')
  const alone = truth(no_snapshots ?? false)
  const busy = alone ? undefined : snapshotsOf(store, volume.id).find(({ status }) => status !== 'available')
  if (busy) throw invalidSnapshot(`snapshot: ${busy.id} status must be available`)
  const authKey = hex(keyLength)
  const salt = hex(saltLength)
  const transfer: Transfer = {
    id: ids.uuid(),
    volume_id: volume.id,
    name: name?.trim() ?? null,
    salt,
    crypt_hash: sealed(salt, authKey),
    no_snapshots: alone,
    source_project_id: volume.project_id,
    destination_project_id: null,
    accepted: false,
    created_at: clock.now(),
  }
  store.write(() => {
    store.transfers.put(transfer)
    putVolume(call, volume, { status: 'awaiting-transfer' })
  })
  return detail(call, transfer, authKey)
}

/** The volume, and its snapshots unless they were left out, are the caller's from then on. */
function accept(call: VolumeCall, authKey: string): Transfer {
  const { store, caller, projectId } = call
  const transfer = store.transfers.get(call.params.id!)
  if (!transfer || transfer.accepted) throw noTransfer(call.params.id!)
  if (!isKey(transfer, authKey)) throw badRequest(`Invalid auth key: Attempt to transfer ${transfer.id} with invalid auth key.`)
  const volume = store.volumes.get(transfer.volume_id)!
  if (volume.status !== 'awaiting-transfer')
    throw invalidVolume(`Transfer ${transfer.id}: Volume id ${volume.id} expected in awaiting-transfer state.`)
  const snapshots = transfer.no_snapshots ? [] : snapshotsOf(store, volume.id)
  return store.write(() => {
    takeRoom(call, volume, snapshots.length)
    const owner = { project_id: projectId, user_id: caller.userId }
    putVolume(call, volume, { ...owner, status: 'available' })
    for (const snapshot of snapshots) store.snapshots.put({ ...snapshot, ...owner })
    return store.transfers.put({ ...transfer, accepted: true, destination_project_id: projectId })
  })
}

function takeRoom(call: VolumeCall, volume: Volume, snapshots: number): void {
  const wanted = { projectId: call.projectId, typeId: volume.volume_type_id }
  checkSize(call, call.projectId, volume.size)
  reserve(call, { ...wanted, volumes: 1, gigabytes: volume.size })
  if (snapshots > 0) reserve(call, { ...wanted, snapshots, gigabytes: snapshots * volume.size })
}

const isKey = ({ salt, crypt_hash }: Transfer, authKey: string): boolean =>
  timingSafeEqual(digest(sealed(salt, authKey)), digest(crypt_hash))
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

function withdraw(call: VolumeCall) {
  const { store } = call
  const transfer = found(call)
  const volume = store.volumes.get(transfer.volume_id)
  store.write(() => {
    store.transfers.remove(transfer.id)
    if (volume?.status === 'awaiting-transfer') putVolume(call, volume, { status: 'available' })
  })
  return reply(202)
}
