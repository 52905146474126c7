/** Volumes and images: uploaded to one, written anew from one, and what a volume remembers of the one it came from. */
import { reply } from '../service.ts'
import { checkImage } from './create.ts'
import type { Metadata, Volume } from './documents.ts'
import { conflict, invalidVolume, notBuilt, notFound } from './faults.ts'
import { type Images, imageMetadata } from './images.ts'
import { type Operations, operation } from './operation.ts'
import { findVolume, requireAdmin } from './rules.ts'
import * as shapes from './shapes.ts'
import { moment, putVolume, truth, type VolumeCall } from './state.ts'
import { attachmentsOf } from './store.ts'

const volumeOf = (call: VolumeCall): Volume => findVolume(call, call.params.id!)

function imagesOf({ images }: VolumeCall): Images {
  if (!images) throw notBuilt('image service')
  return images
}

interface Upload {
  readonly image_name: string
  readonly force?: unknown
  readonly disk_format?: string
  readonly container_format?: string
  readonly visibility?: string
  readonly protected?: unknown
}

export const imageActions: Operations = {
  'os-volume_upload_image': operation({
    body: shapes.uploadImage,
    run: (call, sent: { 'os-volume_upload_image': Upload }) => upload(call, sent['os-volume_upload_image']),
  }),
  'os-reimage': operation({
    since: 68,
    body: shapes.reimage,
    async run(call, sent: { 'os-reimage': { image_id: string; reimage_reserved?: unknown } }) {
      await reimage(call, sent['os-reimage'].image_id, truth(sent['os-reimage'].reimage_reserved))
      return reply(202)
    },
  }),
  'os-show_image_metadata': { body: shapes.showImageMetadata, run: (call) => ({ metadata: volumeOf(call).image_metadata ?? {} }) },
  'os-set_image_metadata': operation({
    body: shapes.setImageMetadata,
    run(call, sent: { 'os-set_image_metadata': { metadata: Metadata } }) {
      const volume = volumeOf(call)
      refuseWhileBusy(volume, 'Updating')
      const metadata = { ...volume.image_metadata, ...sent['os-set_image_metadata'].metadata }
      call.store.write(() => putVolume(call, volume, { image_metadata: metadata }))
      return { metadata }
    },
  }),
  'os-unset_image_metadata': operation({
    body: shapes.unsetImageMetadata,
    run(call, sent: { 'os-unset_image_metadata': { key: string } }) {
      const volume = volumeOf(call)
      const { key } = sent['os-unset_image_metadata']
      const { [key]: gone, ...others } = volume.image_metadata ?? {}
      if (gone === undefined) throw notFound(`Glance metadata for volume/snapshot ${volume.id} cannot be found.`)
      refuseWhileBusy(volume, 'Deleting')
      call.store.write(() => putVolume(call, volume, { image_metadata: others }))
      return reply(200)
    },
  }),
}

/** cinder/volume/api.py _update_volume_metadata */
export function refuseWhileBusy({ status }: Volume, what: 'Updating' | 'Deleting'): void {
  if (status === 'maintenance' || status === 'uploading')
    throw invalidVolume(`${what} volume metadata is not allowed for volumes in ${status} status.`)
}

/** Properties that are attributes of an image, or that Cinder keeps to itself. */
const notCopied = new Set('checksum container_format disk_format image_name image_id min_disk min_ram name size'.split(' '))

/** Makes the image, then writes bytes into it: as many as the reference's driver, since a volume has none. */
async function upload(call: VolumeCall, sent: Upload) {
  const images = imagesOf(call)
  const { caller, minor, store, later } = call
  const volume = volumeOf(call)
  if (minor >= 1 && sent.visibility === 'public') requireAdmin('volume_extension:volume_actions:upload_public', caller)
  requireStatus(volume, truth(sent.force) ? ['available', 'in-use'] : ['available'])
  const kept = Object.entries(volume.image_metadata ?? {}).filter(([key]) => !notCopied.has(key))
  const image = await images.create(caller.token, {
    ...Object.fromEntries(kept),
    name: sent.image_name,
    container_format: sent.container_format ?? 'bare',
    disk_format: sent.disk_format ?? 'raw',
    ...(minor >= 1 && { visibility: sent.visibility ?? 'private', protected: truth(sent.protected ?? false) }),
  })
  // While the image was made the volume may have been taken.
  const { status, updated_at } = requireStatus(volumeOf(call), truth(sent.force) ? ['available', 'in-use'] : ['available'])
  store.write(() => putVolume(call, volumeOf(call), { status: 'uploading', previous_status: status }))
  later(async () => {
    try {
      await images.upload(caller.token, image.id, new Uint8Array(1024))
    } finally {
      const now = store.volumes.get(volume.id)
      const attached = attachmentsOf(store, volume.id).some(({ attach_status }) => attach_status === 'attached')
      if (now?.status === 'uploading')
        store.write(() => putVolume(call, now, { status: attached ? 'in-use' : 'available', previous_status: null }))
    }
  })
  const type = store.types.get(volume.volume_type_id)
  const told = {
    id: volume.id,
    updated_at: moment(updated_at),
    status: 'uploading',
    display_description: volume.description,
    size: volume.size,
    volume_type: type && {
      id: type.id,
      name: type.name,
      description: type.description,
      is_public: type.is_public,
      extra_specs: type.extra_specs,
      qos_specs_id: type.qos_specs_id,
      created_at: moment(type.created_at),
      updated_at: moment(type.updated_at),
      deleted_at: null,
      deleted: false,
    },
    image_id: image.id,
    container_format: image.container_format,
    disk_format: image.disk_format,
    image_name: image.name,
    protected: image.protected,
    visibility: image.visibility,
  }
  return reply(202, { 'os-volume_upload_image': told })
}

function requireStatus(volume: Volume, expected: readonly string[]): Volume {
  if (!expected.includes(volume.status)) throw invalidVolume(`Volume ${volume.id} status must be ${expected.join(' or ')}`)
  return volume
}

/** Writes a volume anew from an image; who has it reserved is told, and then goes on. */
async function reimage(call: VolumeCall, imageId: string, evenReserved: boolean): Promise<void> {
  const { store, caller, compute, later } = call
  const expected = ['available', 'error', ...(evenReserved ? ['reserved'] : [])]
  const ready = () => {
    const volume = volumeOf(call)
    if (attachmentsOf(store, volume.id).length > 1) throw conflict('Cannot re-image a volume which is attached to more than one server.')
    if (!expected.includes(volume.status))
      throw invalidVolume(`Volume ${volume.id} status must be ${expected.join(' or ')}, but current status is ${volume.status}.`)
    return volume
  }
  const { size } = ready()
  const image = await imagesOf(call).show(caller.token, imageId)
  checkImage(image, size)
  const volume = ready()
  store.write(() => putVolume(call, volume, { image_metadata: imageMetadata(image) }))
  const servers = attachmentsOf(store, volume.id).flatMap(({ instance_uuid }) => instance_uuid ?? [])
  if (volume.status === 'reserved' && compute && servers.length > 0) later(() => compute.tell('volume-reimaged', servers, volume.id))
}
