/** The shapes of bodies (cinder/api/schemas), each from the version that stands beside it. */
import { compile, object, type Schema, type Validate, within } from './validation.ts'

const uuid = { type: 'string', format: 'uuid' }
const uuidOrNull = { oneOf: [{ type: 'null' }, uuid] }
const anything = {}
const textOrNull = { type: ['string', 'null'] }
const upTo255 = { type: ['string', 'null'], minLength: 0, maxLength: 255 }
const required255 = { type: 'string', minLength: 1, maxLength: 255 }
/** Printable, in one line. */
const description = { ...upTo255, pattern: '^[^\\p{C}\\p{Zl}\\p{Zp}]*$' }
const yesNo = [
  [true, 'True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes', 'y', 't'],
  [false, 'False', 'FALSE', 'false', '0', 'OFF', 'Off', 'off', 'NO', 'No', 'no', 'n', 'f'],
].flat()
const boolean = { type: ['boolean', 'string'], enum: yesNo }
const size = { type: ['integer', 'string'], pattern: '^[0-9]+$', minimum: 1, maximum: 0x7fffffff }
const map = (key: string, value: Schema, more: Schema = {}): Schema => ({
  type: 'object',
  patternProperties: { [key]: value },
  additionalProperties: false,
  ...more,
})
const key = '^[a-zA-Z0-9-_:. /]{1,255}$'
const keyWithoutSpaces = '^[a-zA-Z0-9-_:.]{1,255}$'
const text255 = { type: 'string', maxLength: 255 }
const metadata = map(key, text255)
const metadataOrNull = { ...metadata, type: ['object', 'null'] }
const connector = { type: ['string', 'object', 'null'] }
const succeeded = { type: ['string', 'null', 'boolean'] }
const name = { type: ['string', 'null'], format: 'shortName' }
const longName = { type: ['string', 'null'], format: 'shortDescription' }

type Versions = readonly (readonly [since: number, Validate])[]

// Volumes.
const volume = {
  name,
  description: longName,
  display_name: name,
  display_description: longName,
  volume_type: upTo255,
  metadata: metadataOrNull,
  snapshot_id: uuidOrNull,
  source_volid: uuidOrNull,
  consistencygroup_id: uuidOrNull,
  size: { ...size, type: ['integer', 'string', 'null'] },
  availability_zone: { ...upTo255, minLength: 1 },
  multiattach: { oneOf: [{ type: 'null' }, boolean] },
  image_id: upTo255,
  imageRef: upTo255,
}
const creation = (properties: Schema, others: boolean): Validate =>
  compile(
    object(
      { volume: object(properties, [], { additionalProperties: others }), 'OS-SCH-HNT:scheduler_hints': { type: ['object', 'null'] } },
      ['volume'],
    ),
  )
const withGroup = { ...volume, group_id: upTo255 }
const withBackup = { ...withGroup, backup_id: uuidOrNull }
export const newVolume: Versions = [
  [53, creation(withBackup, false)],
  [47, creation(withBackup, true)],
  [13, creation(withGroup, true)],
  [0, creation(volume, true)],
]
const changes = { name, description: longName, display_name: name, display_description: longName, metadata }
const oneOfThem = { anyOf: Object.keys(changes).map((each) => ({ required: [each] })) }
export const changedVolume: Versions = [
  [53, compile(within('volume', object(changes, [], oneOfThem)))],
  [0, compile(within('volume', object(changes)))],
]
export const newMetadata = compile(within('metadata', metadata))
export const oneOfMetadata = compile(within('meta', { ...metadata, minProperties: 1, maxProperties: 1 }))

// What is done with volumes.
const action = (verb: string, properties?: Schema, required: readonly string[] = [], more: Schema = {}): Validate =>
  compile(within(verb, properties ? object(properties, required, more) : anything))
const upload = {
  image_name: required255,
  force: boolean,
  disk_format: { type: 'string', enum: ['raw', 'vmdk', 'vdi', 'qcow2', 'vhd', 'vhdx', 'ploop'] },
  container_format: description,
}
const migration = { force_host_copy: boolean, lock_volume: boolean }
export const attach = action(
  'os-attach',
  { instance_uuid: uuid, mountpoint: required255, host_name: text255, mode: { type: 'string', enum: ['rw', 'ro'] } },
  ['mountpoint'],
  { anyOf: [{ required: ['instance_uuid'] }, { required: ['host_name'] }] },
)
export const detach = action('os-detach', { attachment_id: uuidOrNull }, [], { type: ['object', 'null'] })
export const reserve = action('os-reserve')
export const unreserve = action('os-unreserve')
export const beginDetaching = action('os-begin_detaching')
export const rollDetaching = action('os-roll_detaching')
export const initializeConnection = action('os-initialize_connection', { connector: { type: ['object', 'string'] } }, ['connector'])
export const terminateConnection = action('os-terminate_connection', { connector }, ['connector'])
export const extend = action('os-extend', { new_size: size }, ['new_size'])
export const retype = action(
  'os-retype',
  { new_type: { type: 'string' }, migration_policy: { type: ['string', 'null'], enum: ['on-demand', 'never'] } },
  ['new_type'],
)
export const setBootable = action('os-set_bootable', { bootable: boolean }, ['bootable'])
export const readonlyFlag = action('os-update_readonly_flag', { readonly: boolean }, ['readonly'])
export const uploadImage: Versions = [
  [
    1,
    action(
      'os-volume_upload_image',
      { ...upload, visibility: { type: 'string', enum: ['community', 'public', 'private', 'shared'] }, protected: boolean },
      ['image_name'],
    ),
  ],
  [0, action('os-volume_upload_image', upload, ['image_name'])],
]
export const reimage = action('os-reimage', { image_id: uuid, reimage_reserved: boolean }, ['image_id'])
export const revert = compile(within('revert', { type: 'object', properties: { snapshot_id: textOrNull } }))
export const showImageMetadata = action('os-show_image_metadata')
export const setImageMetadata = action('os-set_image_metadata', { metadata: map(key, { type: 'string' }) }, ['metadata'])
export const unsetImageMetadata = action('os-unset_image_metadata', { key: required255 }, ['key'])
export const resetStatus = action('os-reset_status', {
  status: { ...textOrNull, format: 'volumeStatus' },
  attach_status: { ...textOrNull, format: 'attachStatus' },
  migration_status: { ...textOrNull, format: 'migrationStatus' },
})
export const forceDetach = action('os-force_detach', { connector, attachment_id: textOrNull })
export const forceDelete = action('os-force_delete')
export const migrate: Versions = [
  [16, action('os-migrate_volume', { host: { ...textOrNull, maxLength: 255 }, ...migration, cluster: upTo255 })],
  [0, action('os-migrate_volume', { host: text255, ...migration }, ['host'])],
]
export const migrateCompletion = action('os-migrate_volume_completion', { new_volume: uuid, error: succeeded }, ['new_volume'])
export const extendCompletion = action('os-extend_volume_completion', { error: succeeded })

// Attachments.
const attachment = { instance_uuid: uuid, connector: { type: ['object', 'null'] }, volume_uuid: uuid }
export const newAttachment: Versions = [
  [54, compile(within('attachment', object({ ...attachment, mode: { type: 'string', enum: ['rw', 'ro'] } }, ['volume_uuid'])))],
  [0, compile(within('attachment', object(attachment, ['volume_uuid'])))],
]
export const changedAttachment = compile(within('attachment', object({ connector: { type: 'object', minProperties: 1 } }, ['connector'])))
export const complete = action('os-complete')

// Snapshots.
export const newSnapshot = compile(
  within(
    'snapshot',
    object({ name: upTo255, display_name: upTo255, description, volume_id: uuidOrNull, force: boolean, metadata: metadataOrNull }, [
      'volume_id',
    ]),
  ),
)
const snapshotChanges = { name: upTo255, description, display_name: upTo255, display_description: description }
export const changedSnapshot = compile(
  within('snapshot', object(snapshotChanges, [], { anyOf: Object.keys(snapshotChanges).map((each) => ({ required: [each] })) })),
)
export const resetSnapshot = action('os-reset_status', { status: { type: 'string', format: 'snapshotStatus' } }, ['status'])
export const updateSnapshotStatus = action('os-update_snapshot_status', { status: { type: 'string' }, progress: { format: 'progress' } }, [
  'status',
])

// Types.
const specs = map(key, { ...text255, type: ['string', 'null'] })
export const newType = compile(
  within(
    'volume_type',
    object({ name: { ...required255, format: 'name' }, description, extra_specs: specs, 'os-volume-type-access:is_public': boolean }, [
      'name',
    ]),
  ),
)
export const changedType = compile(
  within('volume_type', object({ name: { ...required255, type: ['string', 'null'] }, description, is_public: boolean })),
)
const extraSpecs = map(keyWithoutSpaces, upTo255)
export const newExtraSpecs = compile(within('extra_specs', extraSpecs))
export const oneExtraSpec = compile({ ...extraSpecs, minProperties: 1, maxProperties: 1 })
export const addProjectAccess = action('addProjectAccess', { project: required255 }, ['project'])
export const removeProjectAccess = action('removeProjectAccess', { project: required255 }, ['project'])
export const defaultType = compile(within('default_type', object({ volume_type: required255 }, ['volume_type'])))
export const newQos = compile(
  within('qos_specs', { type: 'object', properties: { name: { type: 'string', format: 'name' } }, required: ['name'] }),
)
export const changedQos = compile(within('qos_specs', specs))
export const qosKeys = compile(within('keys', { type: 'array', items: required255, uniqueItems: true }))

// The rest.
export const quotaSet = compile(within('quota_set', { type: 'object', minProperties: 1 }))
export const quotaClassSet = compile(
  within(
    'quota_class_set',
    map('^[a-zA-Z0-9-_:. ]{1,300}$', { type: ['integer', 'string'], pattern: '^[0-9]*$', minimum: -1, minLength: 1, maximum: 0x7fffffff }),
  ),
)
const service = {
  binary: required255,
  host: { ...upTo255, minLength: 1, pattern: '^[a-zA-Z0-9-._#@:/+\\[\\]]*$' },
  cluster: upTo255,
  service: required255,
}
const named = { anyOf: [{ required: ['binary'] }, { required: ['service'] }] }
export const switchedService = compile(object(service, [], named))
export const disabledService = compile(object({ ...service, disabled_reason: required255 }, [], named))
const transfer = { volume_id: uuid, name: { oneOf: [{ type: 'string', format: 'name' }, { type: 'null' }] } }
export const newTransfer = compile(within('transfer', object(transfer, ['volume_id'])))
export const newVolumeTransfer: Versions = [
  [55, compile(within('transfer', object({ ...transfer, no_snapshots: boolean }, ['volume_id'])))],
  [0, newTransfer],
]
export const acceptTransfer = compile(within('accept', object({ auth_key: { type: ['string', 'integer'] } }, ['auth_key'])))
