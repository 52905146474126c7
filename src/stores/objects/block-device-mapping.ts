/** The disks of a server: where each comes from and where it is attached. */
import { boolean, integer, secret, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'
import { blockDeviceDestinationType, blockDeviceEncryptionFormatType, blockDeviceSourceType, blockDeviceType } from './enums.ts'
import { Instance } from './instance.ts'

export const BlockDeviceMapping = defineObject('BlockDeviceMapping', '1.21', {
  id: integer,
  uuid: uuid,
  instance_uuid: uuid,
  instance: object(Instance).orNull(),
  source_type: blockDeviceSourceType.orNull(),
  destination_type: blockDeviceDestinationType.orNull(),
  guest_format: text.orNull(),
  device_type: blockDeviceType.orNull(),
  disk_bus: text.orNull(),
  boot_index: integer.orNull(),
  device_name: text.orNull(),
  delete_on_termination: boolean.initially(false),
  snapshot_id: text.orNull(),
  volume_id: text.orNull(),
  volume_size: integer.orNull(),
  image_id: text.orNull(),
  no_device: boolean.initially(false),
  connection_info: secret.orNull(),
  tag: text.orNull(),
  attachment_id: uuid.orNull(),
  volume_type: text.orNull(),
  encrypted: boolean.initially(false),
  encryption_secret_uuid: uuid.orNull(),
  encryption_format: blockDeviceEncryptionFormatType.orNull(),
  encryption_options: text.orNull(),
  ...persistent,
})
export type BlockDeviceMapping = ObjectValue<typeof BlockDeviceMapping>

export const BlockDeviceMappingList = defineList('BlockDeviceMappingList', '1.18', BlockDeviceMapping)
export type BlockDeviceMappingList = ObjectValue<typeof BlockDeviceMappingList>
