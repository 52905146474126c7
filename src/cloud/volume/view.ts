/** How volumes are shown, by version and caller (cinder/api/v3/views/volumes.py and its extensions). */
import { backendOf, serviceOf } from './backends.ts'
import type { Attachment, Volume } from './documents.ts'
import { linksTo } from './links.ts'
import { moment, type VolumeCall } from './state.ts'
import { attachmentsOf } from './store.ts'

export const summary = (call: VolumeCall, volume: Volume) => ({
  id: volume.id,
  name: volume.name,
  links: linksTo(call, 'volumes', volume.id),
})

/** Statuses that clients know under another name. */
const shownStatus: Readonly<Record<string, string>> = { managing: 'creating', error_managing: 'error', error_managing_deleting: 'deleting' }

/** All but what extensions add where a volume is read. */
export function detail(call: VolumeCall, volume: Volume): Record<string, unknown> {
  const { minor, caller, store } = call
  const type = store.types.get(volume.volume_type_id)
  return {
    id: volume.id,
    status: shownStatus[volume.status] ?? volume.status,
    size: volume.size,
    availability_zone: volume.availability_zone,
    created_at: moment(volume.created_at),
    updated_at: moment(volume.updated_at),
    name: volume.name,
    description: volume.description,
    volume_type: type?.name ?? volume.volume_type_id,
    snapshot_id: volume.snapshot_id,
    source_volid: volume.source_volid,
    metadata: { ...volume.metadata, ...adminMetadata(volume) },
    links: linksTo(call, 'volumes', volume.id),
    user_id: volume.user_id,
    bootable: String(volume.bootable),
    encrypted: false,
    replication_status: null,
    consistencygroup_id: null,
    multiattach: volume.multiattach,
    attachments: attachmentsOf(store, volume.id)
      .filter(({ attach_status }) => attach_status === 'attached')
      .map((attachment) => attachmentView(call, attachment)),
    ...(caller.isAdmin && { migration_status: volume.migration_status }),
    ...(minor >= 13 && { group_id: null }),
    ...(caller.isAdmin && minor >= 21 && { provider_id: null }),
    ...(minor >= 48 && {
      shared_targets: true,
      service_uuid: volume.host === null ? null : (serviceOf(call, backendOf(volume.host))?.uuid ?? null),
    }),
    ...(caller.isAdmin && minor >= 61 && { cluster_name: null }),
    ...(minor >= 63 && { volume_type_id: volume.volume_type_id }),
    ...(minor >= 65 && { consumes_quota: volume.use_quota }),
  }
}

/** What an administrator's action left and everybody may see (cinder/api/api_utils.py add_visible_admin_metadata). */
const adminMetadata = ({ readonly, attached_mode }: Volume): Record<string, string> => ({
  ...(readonly !== null && { readonly: readonly ? 'True' : 'False' }),
  ...(attached_mode !== null && { attached_mode }),
})

const attachmentView = ({ caller }: VolumeCall, attachment: Attachment) => ({
  id: attachment.volume_id,
  attachment_id: attachment.id,
  volume_id: attachment.volume_id,
  server_id: attachment.instance_uuid,
  host_name: caller.isAdmin || caller.roles.includes('service') ? attachment.attached_host : null,
  device: attachment.mountpoint,
  attached_at: moment(attachment.attach_time),
})

/** A volume that is read, alone or in a list of details. */
export const extended = (call: VolumeCall, volume: Volume): Record<string, unknown> => ({
  ...detail(call, volume),
  'os-vol-tenant-attr:tenant_id': volume.project_id,
  ...(call.caller.isAdmin && {
    'os-vol-mig-status-attr:migstat': volume.migration_status,
    'os-vol-mig-status-attr:name_id': volume.name_id,
    'os-vol-host-attr:host': volume.host,
  }),
  ...(volume.image_metadata && Object.keys(volume.image_metadata).length > 0 && { volume_image_metadata: volume.image_metadata }),
})
