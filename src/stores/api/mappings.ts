/** Which cells there are, and in which one a server or a host lives. */
import type { Database } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { Fragments } from '../../oslo/database/driver.ts'
import { DuplicateKey } from '../../oslo/database/errors.ts'
import { rowOf } from '../camel.ts'
import { fromZonesOfHosts, zoneColumns, zonesFrom } from './aggregates.ts'
import { type StoredWishes, type Wishes, wishColumns, wishesFrom } from './requests.ts'
import type { ApiTables } from './schema.ts'
import { type ApiRow, type ApiValues, from, insert, selectFrom } from './table.ts'

export type CellMapping = ApiRow<'cell_mappings'>
export type ServerMapping = ApiRow<'instance_mappings'>
export type HostMapping = ApiRow<'host_mappings'>

/** The cell in which servers are kept that no host could take (nova/objects/cell_mapping.py). */
export const cell0Uuid = '00000000-0000-0000-0000-000000000000'

export const cellMappings = (database: Database<ApiTables>, now: () => number) => ({
  list: (): Promise<CellMapping[]> => database.read((tx) => from(tx, 'cell_mappings').orderBy('id').execute()),

  create: (values: ApiValues<'cell_mappings'> & { uuid: string }): Promise<number> =>
    database.write((tx) => insert(tx, 'cell_mappings', { ...values, createdAt: toDateTime(now()) })),

  update: (id: number, values: ApiValues<'cell_mappings'>): Promise<void> =>
    database.write(async (tx) => {
      await tx
        .updateTable('cell_mappings')
        .set({ ...(rowOf(values) as object), updated_at: toDateTime(now()) })
        .where('id', '=', id)
        .execute()
    }),
})

export type CellMappings = ReturnType<typeof cellMappings>

const findServer = `${selectFrom('instance_mappings')} WHERE instance_uuid = ?`

/** A server's mapping with all that nova_api knows for showing it. What is parsed is shared, so nobody may change it. */
export interface WholeMapping extends ServerMapping {
  readonly known: KnownOfServer
}

export interface KnownOfServer {
  /** The UUID of its server group. */
  readonly group: string | null
  /** Null when nobody remembers what the scheduler was asked. */
  readonly wishes: Wishes | null
  /** The availability zone of each host that is in one. */
  readonly zones: ReadonlyMap<string, string>
}

const selectWhole = (fragments: Fragments) =>
  [
    selectFrom('instance_mappings').replace(/ FROM .*$/, ''),
    ', (SELECT instance_groups.uuid FROM instance_group_member JOIN instance_groups ON instance_groups.id = instance_group_member.group_id',
    ' WHERE instance_group_member.instance_uuid = instance_mappings.instance_uuid LIMIT 1) AS "group"',
    ...Object.entries(wishColumns(fragments)).map(
      ([name, column]) =>
        `, (SELECT ${column} FROM request_specs WHERE request_specs.instance_uuid = instance_mappings.instance_uuid) AS "${name}"`,
    ),
    ', (SELECT id FROM request_specs WHERE request_specs.instance_uuid = instance_mappings.instance_uuid) AS "specId"',
    `, (SELECT ${fragments.listOf(zoneColumns)} ${fromZonesOfHosts}) AS "zones"`,
    ' FROM instance_mappings WHERE instance_uuid = ?',
  ].join('')

type StoredWhole = ServerMapping & StoredWishes & Readonly<Record<'group' | 'zones', string | null>> & { readonly specId: number | null }

export function serverMappings(database: Database<ApiTables>, now: () => number) {
  const findWhole = selectWhole(database.fragments)
  return {
    find: async (uuid: string): Promise<ServerMapping | undefined> => (await database.rows<ServerMapping>(findServer, [uuid]))[0],

    /** In one statement. */
    findWhole: async (uuid: string): Promise<WholeMapping | undefined> => {
      const [row] = await database.rows<StoredWhole>(findWhole, [uuid])
      if (!row) return undefined
      const { group, availabilityZone, schedulerHints, specId, zones, ...mapping } = row
      const wishes = specId === null ? null : wishesFrom({ availabilityZone, schedulerHints })
      return { ...mapping, known: { group, wishes, zones: zonesFrom(zones) } }
    },

    /** The id of the mapping of its cell: null when it is in none yet, undefined when it is not known. */
    cellOf: async (uuid: string): Promise<number | null | undefined> => {
      const sql = 'SELECT cell_id AS "cellId" FROM instance_mappings WHERE instance_uuid = ?'
      return (await database.rows<{ cellId: number | null }>(sql, [uuid]))[0]?.cellId
    },

    of: (uuids: readonly string[]): Promise<ServerMapping[]> =>
      database.read(async (tx) => (uuids.length === 0 ? [] : from(tx, 'instance_mappings').where('instance_uuid', 'in', uuids).execute())),

    /** Those of a cell that are not going, of one project or of all: what is known of servers in a cell that does not answer. */
    ofCell: (cellId: number, projectId: string | null, limit?: number): Promise<ServerMapping[]> =>
      database.read((tx) => {
        let query = from(tx, 'instance_mappings')
          .where('cell_id', '=', cellId)
          .where((eb) => eb.or([eb('queued_for_delete', '=', false), eb('queued_for_delete', 'is', null)]))
          .orderBy('id')
        if (projectId !== null) query = query.where('project_id', '=', projectId)
        return (limit === undefined ? query : query.limit(limit)).execute()
      }),

    /** The cells in which a project has servers. */
    cellsOf: (projectId: string): Promise<number[]> =>
      database.read(async (tx) => {
        const rows = await tx
          .selectFrom('instance_mappings')
          .select('cell_id')
          .distinct()
          .where('project_id', '=', projectId)
          .where('cell_id', 'is not', null)
          .execute()
        return rows.map((row) => row.cell_id!)
      }),

    update: (uuid: string, values: ApiValues<'instance_mappings'>): Promise<void> =>
      database.write(async (tx) => {
        await tx
          .updateTable('instance_mappings')
          .set({ ...(rowOf(values) as object), updated_at: toDateTime(now()) })
          .where('instance_uuid', '=', uuid)
          .execute()
      }),

    remove: (uuid: string): Promise<void> =>
      database.write(async (tx) => {
        await tx.deleteFrom('instance_mappings').where('instance_uuid', '=', uuid).execute()
      }),
  }
}

export type ServerMappings = ReturnType<typeof serverMappings>

export const hostMappings = (database: Database<ApiTables>, now: () => number) => ({
  find: (host: string): Promise<HostMapping | undefined> =>
    database.read((tx) => from(tx, 'host_mappings').where('host', '=', host).executeTakeFirst()),

  of: (hosts: readonly string[]): Promise<HostMapping[]> =>
    database.read(async (tx) => (hosts.length === 0 ? [] : from(tx, 'host_mappings').where('host', 'in', hosts).execute())),

  list: (): Promise<HostMapping[]> => database.read((tx) => from(tx, 'host_mappings').orderBy('id').execute()),

  remove: (host: string): Promise<void> =>
    database.write(async (tx) => {
      await tx.deleteFrom('host_mappings').where('host', '=', host).execute()
    }),

  /** One that is there stays as it is. */
  create: async (host: string, cellId: number): Promise<void> => {
    try {
      await database.write((tx) => insert(tx, 'host_mappings', { host, cellId, createdAt: toDateTime(now()) }))
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error
    }
  },
})
