/** Rows as the objects that Nova's services send each other. */
import type { Fields, ObjectType, Value, WireObject } from '../../oslo/objects/object.ts'
import { camel } from '../../stores/camel.ts'
import type { BlockDevice } from '../../stores/cell/block-devices.ts'
import type { Migration as MigrationRow } from '../../stores/cell/migrations.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { BlockDeviceMapping, BlockDeviceMappingList } from '../../stores/objects/block-device-mapping.ts'
import { Flavor } from '../../stores/objects/flavor.ts'
import { Instance } from '../../stores/objects/instance.ts'
import { Migration } from '../../stores/objects/migration.ts'
import { NetworkRequestList } from '../../stores/objects/network-request.ts'
import { RequestSpec } from '../../stores/objects/request-spec.ts'

/** The fields of an object that its table has columns for. */
function columnsOf<F extends Fields>(type: ObjectType<F>, row: object): Value<F> {
  const held = row as Record<string, unknown>
  const entries = Object.keys(type.fields).flatMap((field) => {
    const value = held[camel(field)]
    return value === undefined || (typeof value === 'object' && value !== null) ? [] : [[field, value]]
  })
  return Object.fromEntries(entries) as Value<F>
}

/** Its columns and its flavors; who needs more of it reads it. */
export function instanceToWire(server: Server): WireObject {
  const { flavor } = server
  const flavors = flavor && {
    flavor: Flavor.fromWire(flavor.cur),
    old_flavor: flavor.old && Flavor.fromWire(flavor.old),
    new_flavor: flavor.new && Flavor.fromWire(flavor.new),
  }
  return Instance.toWire({ ...columnsOf(Instance, server), ...flavors })
}

export const migrationToWire = (row: MigrationRow): WireObject => Migration.toWire(columnsOf(Migration, row))

export const blockDeviceToWire = (row: BlockDevice): WireObject => BlockDeviceMapping.toWire(columnsOf(BlockDeviceMapping, row))

export const blockDevicesToWire = (rows: readonly BlockDevice[]): WireObject =>
  BlockDeviceMappingList.toWire({ objects: rows.map((row) => columnsOf(BlockDeviceMapping, row)) })

/** The id of a migration that a message names; undefined when it names none. */
export function migrationIdOf(wire: unknown): number | undefined {
  const id = (wire as Partial<WireObject> | null | undefined)?.['nova_object.data']?.id
  return typeof id === 'number' ? id : undefined
}

export const requestSpecOf = (wire: unknown): RequestSpec | null => (wire ? RequestSpec.fromWire(wire) : null)

/** What a message says about interfaces; null when it leaves that open. */
export const requestedOf = (wire: unknown) => (wire ? (NetworkRequestList.fromWire(wire).objects ?? []) : null)

// nova/objects/request_spec.py RequestSpec._get_update_primitives: what belongs to one request alone is not kept
const passing = ['retry', 'requested_destination', 'requested_resources', 'ignore_hosts', 'requested_networks'] as const

/** As the column request_specs.spec keeps it. */
export function requestSpecToKeep({ id: _, ...spec }: RequestSpec): WireObject {
  const kept: RequestSpec = { ...spec }
  for (const field of passing) delete kept[field]
  if (kept.instance_group) kept.instance_group = { ...kept.instance_group, members: null, hosts: null }
  return RequestSpec.toWire(kept)
}
