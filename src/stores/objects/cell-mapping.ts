/** Which cell a host and a server are in. */
import { boolean, integer, text, uuid } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { timestamps } from './common.ts'

/** A cell: its database and its message broker. */
export const CellMapping = defineObject('CellMapping', '1.1', {
  id: integer,
  uuid: uuid,
  name: text.orNull(),
  transport_url: text,
  database_connection: text,
  disabled: boolean.initially(false),
  ...timestamps,
})
export type CellMapping = ObjectValue<typeof CellMapping>

export const CellMappingList = defineList('CellMappingList', '1.1', CellMapping)
export type CellMappingList = ObjectValue<typeof CellMappingList>

export const HostMapping = defineObject('HostMapping', '1.0', {
  id: integer,
  host: text,
  cell_mapping: object(CellMapping),
  ...timestamps,
})
export type HostMapping = ObjectValue<typeof HostMapping>

export const HostMappingList = defineList('HostMappingList', '1.1', HostMapping)
export type HostMappingList = ObjectValue<typeof HostMappingList>

export const InstanceMapping = defineObject('InstanceMapping', '1.2', {
  id: integer,
  instance_uuid: uuid,
  cell_mapping: object(CellMapping).orNull(),
  project_id: text,
  user_id: text,
  queued_for_delete: boolean.initially(false),
  ...timestamps,
})
export type InstanceMapping = ObjectValue<typeof InstanceMapping>

export const InstanceMappingList = defineList('InstanceMappingList', '1.3', InstanceMapping)
export type InstanceMappingList = ObjectValue<typeof InstanceMappingList>
