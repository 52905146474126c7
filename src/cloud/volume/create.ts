/** New volumes: from nothing, from an image, a snapshot or another volume (cinder/volume/flows/api/create_volume.py). */
import { header } from '../../app/contract.ts'
import { isUuidLike } from '../uuid.ts'
import { poolFor } from './backends.ts'
import type { Metadata, Snapshot, Volume, VolumeType } from './documents.ts'
import { badRequest, invalidInput, invalidSnapshot, invalidVolume, notBuilt, notFound } from './faults.ts'
import { type Image, imageMetadata } from './images.ts'
import { checkSize, reserve } from './quotas.ts'
import { findSnapshot, findVolume } from './rules.ts'
import { truth, type VolumeCall } from './state.ts'
import { checkTypeSize, defaultTypeFor, isMultiattach, typeNamed } from './types.ts'

export interface SentVolume {
  readonly name?: string | null
  readonly display_name?: string | null
  readonly description?: string | null
  readonly display_description?: string | null
  readonly volume_type?: string | null
  readonly metadata?: Metadata | null
  readonly snapshot_id?: string | null
  readonly source_volid?: string | null
  readonly consistencygroup_id?: string | null
  readonly group_id?: string | null
  readonly backup_id?: string | null
  readonly size?: number | string | null
  readonly availability_zone?: string | null
  readonly multiattach?: unknown
  readonly image_id?: string | null
  readonly imageRef?: string | null
}

/** What a volume is made from; at most one of them. */
interface Source {
  readonly snapshot?: Snapshot
  readonly volume?: Volume
  readonly image?: Image
}

export const trimmed = (text: string | null | undefined): string | null => text?.trim() ?? null

/** Makes the volume and gives it as it is from then on; who repeats a request with an Idempotency-Key gets what was made for it. */
export async function createVolume(call: VolumeCall, sent: SentVolume): Promise<Volume> {
  const key = header(call.request, 'idempotency-key')
  const before = key ? call.store.volumes.by('made_for', key).find(({ project_id }) => project_id === call.projectId) : undefined
  if (before) return before
  const asked = sent.volume_type ? typeNamed(call, sent.volume_type) : undefined
  const source = await sourceOf(call, sent)
  if (truth(sent.multiattach))
    throw badRequest(
      'multiattach parameter has been removed. The default behavior is to use multiattach enabled volume types. Contact your administrator to create a multiattach enabled volume type and use it to create multiattach volumes.',
    )
  const size = sizeOf(sent, source)
  const type = typeOf(call, asked, source)
  checkTypeSize(type, size)
  const zone = zoneOf(call, sent, source)
  return call.store.write(() => {
    checkSize(call, call.projectId, size)
    reserve(call, { projectId: call.projectId, typeId: type.id, volumes: 1, gigabytes: size })
    return call.store.volumes.put(newVolume(call, sent, { source, type, size, zone }))
  })
}

async function sourceOf(call: VolumeCall, sent: SentVolume): Promise<Source> {
  const snapshot = sent.snapshot_id ? findSnapshot(call, sent.snapshot_id) : undefined
  const volume = sent.source_volid ? findVolume(call, sent.source_volid) : undefined
  if (sent.group_id ?? sent.consistencygroup_id) throw notBuilt('groups')
  const reference = sent.image_id ?? sent.imageRef
  const image = reference ? await imageOf(call, reference) : undefined
  if (sent.backup_id) throw notBuilt('backups')
  const fromImage = image && call.minor >= 46 ? bootSnapshotOf(call, image) : undefined
  const given = [snapshot ?? fromImage, volume, fromImage ? undefined : image].filter(Boolean)
  if (given.length > 1) throw invalidInput('May specify only one of backup, imageRef, snapshot, source volume')
  checkSource(snapshot ?? fromImage, volume)
  if (snapshot ?? fromImage) return { snapshot: snapshot ?? fromImage! }
  if (volume) return { volume }
  return image ? { image } : {}
}

async function imageOf({ images, caller }: VolumeCall, reference: string): Promise<Image> {
  if (!images) throw notBuilt('image service')
  return images.find(caller.token, reference)
}

/** The snapshot behind an image that Nova made of a server whose root is a volume. */
function bootSnapshotOf(call: VolumeCall, { block_device_mapping: mapping }: Image): Snapshot | undefined {
  if (typeof mapping !== 'string') return undefined
  const devices = JSON.parse(mapping) as { source_type?: string; boot_index?: number; snapshot_id?: string }[]
  const root = devices.find(({ source_type, boot_index }) => source_type === 'snapshot' && boot_index === 0)
  if (!root) return undefined
  const id = String(root.snapshot_id)
  if (!isUuidLike(id) || !call.store.snapshots.get(id))
    throw notFound(`Nova specific image is found, but boot volume snapshot id:${id} not found.`)
  return findSnapshot(call, id)
}

function checkSource(snapshot: Snapshot | undefined, volume: Volume | undefined): void {
  if (snapshot && snapshot.status !== 'available') throw invalidSnapshot("Originating snapshot status must be one of 'available' values")
  if (volume && volume.status !== 'available' && volume.status !== 'in-use')
    throw invalidVolume("Originating source volume status must be one of 'available, in-use' values")
}

function sizeOf({ size: asked }: SentVolume, { snapshot, volume, image }: Source): number {
  const size = Number(asked ?? snapshot?.volume_size ?? volume?.size ?? 0)
  // Neither a size nor something to take it from: Cinder trips over it and says no more than this.
  if (!(size > 0)) throw badRequest('The server could not comply with the request since it is either malformed or otherwise incorrect.')
  if (volume && size < volume.size)
    throw invalidInput(
      `Volume size '${size}'GB cannot be smaller than original volume size  ${volume.size}GB. They must be >= original volume size.`,
    )
  if (snapshot && size < snapshot.volume_size)
    throw invalidInput(
      `Volume size '${size}'GB cannot be smaller than the snapshot size ${snapshot.volume_size}GB. They must be >= original snapshot size.`,
    )
  if (image) checkImage(image, size)
  return size
}

const gibibyte = 2 ** 30

/** 400 for an image that does not fit, or has no bytes yet (cinder/volume/volume_utils.py check_image_metadata). */
export function checkImage({ id, status, size: bytes, min_disk, virtual_size }: Image, size: number): void {
  if (status !== 'active') throw invalidInput(`Image ${id} is not active.`)
  const needed = Math.ceil((bytes ?? 0) / gibibyte)
  if (needed > size) throw invalidInput(`Size of specified image ${needed}GB is larger than volume size ${size}GB.`)
  if (min_disk > size) throw invalidInput(`Volume size ${size}GB cannot be smaller than the image minDisk size ${min_disk}GB.`)
  const virtual = Math.ceil((virtual_size ?? 0) / gibibyte)
  if (virtual > size)
    throw badRequest(`Image ${id} is unacceptable: Image virtual size is ${virtual}GB and doesn't fit in a volume of size ${size}GB.`)
}

function typeOf(call: VolumeCall, asked: VolumeType | undefined, { snapshot, volume, image }: Source): VolumeType {
  const inherited = volume?.volume_type_id ?? snapshot?.volume_type_id
  if (asked && inherited && !isCompatible(call, asked, inherited))
    throw invalidInput(
      `Invalid volume_type provided: ${asked.id} (requested type is not compatible; ${volume ? 'either match source volume, or omit type argument' : 'recommend omitting the type argument'}).`,
    )
  if (asked) return asked
  if (inherited) return call.store.types.get(inherited)!
  const named = image?.cinder_img_volume_type
  return typeof named === 'string' ? typeNamed(call, named) : defaultTypeFor(call)
}

/** Another type only where that cannot mean another back end (cinder/volume/api.py _retype_is_possible). */
function isCompatible({ store, settings }: VolumeCall, { id, extra_specs }: VolumeType, inherited: string): boolean {
  const { volume_backend_name: wanted } = extra_specs
  const before = store.types.get(inherited)?.extra_specs.volume_backend_name
  return id === inherited || settings.backends.length === 1 || (Boolean(wanted) && wanted === before)
}

function zoneOf({ store, settings }: VolumeCall, { availability_zone: asked }: SentVolume, { snapshot, volume }: Source): string {
  const origin = (snapshot && store.volumes.get(snapshot.volume_id)?.availability_zone) ?? volume?.availability_zone
  const zone = asked ?? origin ?? settings.zone
  if (zone !== settings.zone) throw badRequest(`Availability zone '${zone}' is invalid.`)
  return zone
}

interface Decided {
  readonly source: Source
  readonly type: VolumeType
  readonly size: number
  readonly zone: string
}

function newVolume(call: VolumeCall, sent: SentVolume, { source, type, size, zone }: Decided): Volume {
  const { store, clock, ids, caller } = call
  const { snapshot, volume, image } = source
  const origin = volume ?? (snapshot && store.volumes.get(snapshot.volume_id))
  const host = poolFor(call, type, origin?.host) ?? null
  const now = clock.now()
  return {
    id: ids.uuid(),
    project_id: call.projectId,
    user_id: caller.userId,
    name: trimmed(sent.name ?? sent.display_name),
    description: trimmed(sent.description ?? sent.display_description),
    size,
    // Without a back end that takes it, the volume is there and in error: No valid backend was found.
    status: host === null ? 'error' : 'available',
    previous_status: null,
    attach_status: 'detached',
    migration_status: null,
    volume_type_id: type.id,
    availability_zone: zone,
    host,
    bootable: image !== undefined || (origin?.bootable ?? false),
    multiattach: isMultiattach(type),
    readonly: null,
    attached_mode: null,
    snapshot_id: snapshot?.id ?? null,
    source_volid: volume?.id ?? null,
    metadata: sent.metadata ?? {},
    image_metadata: image ? imageMetadata(image) : ((snapshot ? snapshot.image_metadata : volume?.image_metadata) ?? null),
    use_quota: true,
    name_id: null,
    made_for: header(call.request, 'idempotency-key') ?? null,
    created_at: now,
    updated_at: now,
  }
}
