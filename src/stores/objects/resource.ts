/** Resources that a server was given and that have a place on the host, such as persistent memory. */
import { integer, pattern, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue, oneOf } from '../../oslo/objects/object.ts'

// nova/objects/fields.py ResourceClass
const resourceClass = pattern(
  'resource class',
  /^[A-Z0-9_]+$/,
  (value) => `Malformed Resource Class ${value}`,
  (value) => value.toUpperCase(),
)

/** Of a resource of no certain kind. */
export const ResourceMetadata = defineObject('ResourceMetadata', '1.0', {})
export type ResourceMetadata = ObjectValue<typeof ResourceMetadata>

/** A piece of persistent memory. */
export const LibvirtVPMEMDevice = defineObject('LibvirtVPMEMDevice', '1.0', {
  label: text,
  name: text,
  size: integer,
  devpath: text,
  align: integer,
})
export type LibvirtVPMEMDevice = ObjectValue<typeof LibvirtVPMEMDevice>

export const Resource = defineObject('Resource', '1.0', {
  provider_uuid: uuid,
  resource_class: resourceClass,
  identifier: text,
  metadata: oneOf('ResourceMetadata', { ResourceMetadata, LibvirtVPMEMDevice }),
})
export type Resource = ObjectValue<typeof Resource>

export const ResourceList = defineList('ResourceList', '1.0', Resource)
export type ResourceList = ObjectValue<typeof ResourceList>
