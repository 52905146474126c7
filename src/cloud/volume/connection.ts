/** What a host needs to reach a volume: an iSCSI target that nobody serves, since nothing of a volume is stored. */
import type { Attachment, Volume } from './documents.ts'
import type { VolumeCall } from './state.ts'

/** Of an attachment (cinder/volume/manager.py _connection_create): the driver's data and what Cinder adds, in one dictionary. */
export function connectionInfo(
  call: Pick<VolumeCall, 'store'>,
  volume: Volume,
  attachment: Attachment,
  connector: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  return {
    ...target(call, volume),
    driver_volume_type: 'iscsi',
    attachment_id: attachment.id,
    enforce_multipath: connector.enforce_multipath ?? false,
  }
}

/** Of os-initialize_connection. */
export const legacyConnectionInfo = (
  call: Pick<VolumeCall, 'store'>,
  volume: Volume,
  connector: Readonly<Record<string, unknown>>,
): Record<string, unknown> => ({
  driver_volume_type: 'iscsi',
  data: { ...target(call, volume), enforce_multipath: connector.enforce_multipath ?? false },
  enforce_multipath: connector.enforce_multipath ?? false,
})

/** The address is one that documentation may use and nobody has (RFC 5737). */
function target({ store }: Pick<VolumeCall, 'store'>, volume: Volume): Record<string, unknown> {
  const type = store.types.get(volume.volume_type_id)
  const qos = type?.qos_specs_id ? store.qosSpecs.get(type.qos_specs_id) : undefined
  return {
    target_discovered: false,
    target_portal: '192.0.2.1:3260',
    target_iqn: `iqn.2010-10.org.openstack:volume-${volume.id}`,
    target_lun: 1,
    volume_id: volume.id,
    discard: false,
    qos_specs: qos && qos.consumer !== 'back-end' ? qos.specs : null,
    // Of the volume, whatever the attachment is for (cinder/volume/manager.py _parse_connection_options).
    access_mode: volume.attached_mode ?? (volume.readonly ? 'ro' : 'rw'),
    encrypted: false,
    cacheable: false,
  }
}
