/**
 * Who may do what: Cinder's default policies (cinder/policies). The roles member and reader are named in them, but the rules they replaced
 * hold beside them (cinder/policy.py enforce_new_defaults=False): whoever is in the project may, and administrators.
 */
import type { Caller } from '../service.ts'
import type { Attachment, Snapshot, Volume } from './documents.ts'
import { fault, noSnapshot, noVolume } from './faults.ts'
import type { VolumeCall } from './state.ts'

/** 403 that names the rule, unless the caller is an administrator. */
export function requireAdmin(rule: string, caller: Caller): void {
  if (!caller.isAdmin) throw forbidden(rule)
}

/** 403 that names the rule, unless it is the caller's own project. */
export function requireOwner(rule: string, caller: Caller, projectId: string): void {
  if (!caller.isAdmin && caller.projectId !== projectId) throw forbidden(rule)
}

const forbidden = (rule: string) => fault(403, `Policy doesn't allow ${rule} to be performed.`)

const sees = (caller: Caller, { project_id }: { readonly project_id: string }): boolean => caller.isAdmin || caller.projectId === project_id

/** The volume of this id; 404 when it is not there, or not for this caller. */
export function findVolume({ store, caller }: VolumeCall, id: string): Volume {
  const volume = store.volumes.get(id)
  if (!volume || !sees(caller, volume)) throw noVolume(id)
  return volume
}

/** The snapshot of this id; 404 when it is not there, or not for this caller. */
export function findSnapshot({ store, caller }: VolumeCall, id: string): Snapshot {
  const snapshot = store.snapshots.get(id)
  if (!snapshot || !sees(caller, snapshot)) throw noSnapshot(id)
  return snapshot
}

/** The attachment of this id; 404 when it is not there, or its volume is not for this caller. */
export function findAttachment({ store, caller }: VolumeCall, id: string): Attachment {
  const attachment = store.attachments.get(id)
  const volume = attachment && store.volumes.get(attachment.volume_id)
  if (!attachment || !volume || !sees(caller, volume))
    throw fault(404, `Volume attachment could not be found with filter: attachment_id = ${id}.`)
  return attachment
}
