/** Servers (Nova's instances) of one cell: the row, and what is always read with it. */
import { type Expression, type Kysely, type SqlBool, sql } from 'kysely'
import type { Database, Reading, Writing } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { Fragments } from '../../oslo/database/driver.ts'
import { initial } from '../../oslo/database/schema.ts'
import type { WireObject } from '../../oslo/objects/object.ts'
import type { KnownOfServer } from '../api/mappings.ts'
import { camel, type RowOf, rowOf, selection } from '../camel.ts'
import { type Order, paged } from '../paging.ts'
import { parsed } from '../parsed.ts'
import { type Beside, besideParts, readBeside, selectBeside } from './beside.ts'
import { type CellTables, cellSchema } from './schema.ts'
import type { ServiceState } from './services.ts'

type Row = RowOf<CellTables, 'instances'>

/** A server as it is remembered. Texts that hold JSON are parsed; what is parsed is shared, so nobody may change it. */
export interface Server extends Row {
  /** The cell that holds it; null when none does yet. */
  readonly cellId: number | null
  /** What a build request knows of a server that no cell holds yet; of others these lie in tables of their own. */
  readonly pending?: Pending
  /** What was read with it, where it was looked for as a whole. */
  readonly beside?: Beside
  /** The compute service of its host. */
  readonly service?: ServiceState | null
  /** What nova_api knows of it. */
  readonly known?: KnownOfServer
  /** Only what nova_api knows, because its cell does not answer: uuid, project, time of making, and perhaps what was requested. */
  readonly partial?: true
  /** The flavor it has, the one it had before a resize and the one it is getting. */
  readonly flavor: StoredFlavors | null
  readonly networkInfo: readonly Vif[] | null
  readonly trustedCerts: WireObject | null
}

export interface Pending {
  readonly metadata: Readonly<Record<string, string | null>>
  readonly systemMetadata: Readonly<Record<string, string | null>>
  readonly tags: readonly string[]
}

export interface StoredFlavors {
  readonly cur: WireObject
  readonly old: WireObject | null
  readonly new: WireObject | null
}

/** One interface in the network info cache; Nova's network model as JSON. */
export interface Vif {
  readonly id: string
  readonly address: string
  readonly type?: string | null
  readonly vnic_type?: string
  readonly devname?: string | null
  readonly active?: boolean
  readonly network: VifNetwork
  readonly [key: string]: unknown
}

export interface VifNetwork {
  readonly id: string
  readonly bridge?: string | null
  readonly label: string
  readonly subnets: readonly VifSubnet[]
  readonly meta: Readonly<Record<string, unknown>>
}

export interface VifSubnet {
  readonly cidr: string | null
  readonly version?: number
  readonly dns?: readonly { address: string; type: string; version: number }[]
  readonly gateway?: { address: string | null; type: string; version?: number } | null
  readonly ips: readonly FixedIp[]
  readonly routes?: readonly { cidr: string; gateway?: { address: string } }[]
  readonly meta?: Readonly<Record<string, unknown>>
}

export interface FixedIp {
  readonly address: string
  readonly type: string
  readonly version: number
  readonly floating_ips?: readonly { address: string; type?: string; version: number }[]
}

/** Which servers a list holds. Keys of `exact`, `anyOf` and `like` are columns of the database. */
export interface ServerFilter {
  readonly exact?: Readonly<Record<string, unknown>>
  readonly anyOf?: Readonly<Record<string, readonly unknown[]>>
  /** Regular expressions of the database. */
  readonly like?: Readonly<Record<string, string>>
  /** Every, any, not every and not any of these. */
  readonly tags?: readonly string[]
  readonly tagsAny?: readonly string[]
  readonly notTags?: readonly string[]
  readonly notTagsAny?: readonly string[]
  readonly changesSince?: string
  readonly changesBefore?: string
  /** Only deleted ones, soft-deleted ones included; only those that are not; both when absent. */
  readonly deleted?: boolean
  /** With `deleted`: whether soft-deleted ones count as deleted (true) or are shown among the others (with `deleted: false`). */
  readonly softDeleted?: boolean
  readonly hidden?: boolean
}

export interface ServerPage {
  readonly order: readonly Order[]
  /** The sort columns' values of the last one seen. */
  readonly after?: readonly unknown[] | undefined
  readonly limit?: number | undefined
}

export type ServerChanges = Partial<{ [K in keyof Row]: Row[K] extends infer V ? (V extends 0 | 1 | boolean ? boolean : V) | null : never }>

/** What must still be so for a change to be made: states that are expected, null among them. */
export interface Expected {
  readonly taskState?: readonly (string | null)[]
  readonly vmState?: readonly (string | null)[]
}

export function servers(database: Database<CellTables>, now: () => number, cellId: number) {
  const findWhole = selectWhole(database.fragments, findLive)
  const findWholeAny = selectWhole(database.fragments, findAny)
  return {
    /** One that is not deleted, or, with `deletedToo`, any. */
    find: async (uuid: string, { deletedToo = false } = {}): Promise<Server | undefined> => {
      const rows = await database.rows<StoredServer>(deletedToo ? findAny : findLive, [uuid])
      return rows[0] && serverOf(rows[0], cellId)
    },

    /** The same with all that its cell knows for showing it, in one statement. */
    findWhole: async (uuid: string, { deletedToo = false } = {}): Promise<Server | undefined> => {
      const [row] = await database.rows<StoredWhole>(deletedToo ? findWholeAny : findWhole, [uuid])
      return row && wholeOf(row, cellId)
    },

    list: async (filter: ServerFilter, page: ServerPage): Promise<Server[]> => {
      const rows = await database.read((tx) => paged(selectServers(tx, filter, database.fragments), qualified(page)).execute())
      return (rows as unknown as StoredServer[]).map((row) => serverOf(row, cellId))
    },

    /** Makes the change when the states are as expected; says whether it did. */
    update: (uuid: string, changes: ServerChanges, expected: Expected = {}): Promise<boolean> =>
      database.write((tx) => updateServer(tx, uuid, changes, expected, toDateTime(now()))),

    create: (values: ServerChanges & { uuid: string }): Promise<number> =>
      database.write(async (tx) => {
        const { insertId } = await tx
          .insertInto('instances')
          .values({ ...initial(cellSchema.instances), created_at: toDateTime(now()), ...rowOf(values) } as never)
          .executeTakeFirstOrThrow()
        return Number(insertId)
      }),

    /** Marks it and everything that belongs to it as deleted, as Nova's instance_destroy does. False when it was so already or a state has changed. */
    destroy: (uuid: string, expected: Expected & { host?: string | null } = {}): Promise<boolean> =>
      database.write((tx) => destroyServer(tx, uuid, expected, toDateTime(now()))),
  }
}

export type Servers = ReturnType<typeof servers>

/** As the driver gives it: JSON still as text. */
type StoredServer = Omit<Server, 'cellId' | 'flavor' | 'networkInfo' | 'trustedCerts'> & {
  flavor: string | null
  networkInfo: string | null
  trustedCerts: string | null
}

function serverOf(row: StoredServer, cellId: number): Server {
  // The row is ours alone, so it can become the domain value in place: a page of 1000 is copied once less
  const server = row as unknown as { -readonly [K in keyof Server]: Server[K] }
  server.cellId = cellId
  server.flavor = parsed(row.flavor)
  server.networkInfo = parsed(row.networkInfo)
  server.trustedCerts = parsed(row.trustedCerts)
  return server
}

/** What stands in other tables beside a server: one row each, or none. */
const joined: readonly [table: string, column: string, name: string][] = [
  ['instance_extra', 'flavor', 'flavor'],
  ['instance_extra', 'trusted_certs', 'trustedCerts'],
  ['instance_info_caches', 'network_info', 'networkInfo'],
]

const own = selection(cellSchema, 'instances', ['internal_id', 'cell_name'])
const columns = [...own, ...joined.map(([table, column, name]) => `${table}.${column} as ${name}`)]

// Not joined: SQLite plans a join anew each time when what it is compared with is a parameter, which costs ten times the look-up
const findAny = `SELECT ${[
  ...own.map((column) => column.replace(/ as (\w+)$/, ' AS "$1"')),
  ...joined.map(([table, column, name]) => `(SELECT ${column} FROM ${table} WHERE ${table}.instance_uuid = instances.uuid) AS "${name}"`),
].join(', ')} FROM instances WHERE instances.uuid = ?`
const findLive = `${findAny} AND instances.deleted = 0`

const serviceColumns = ['id', 'last_seen_up', 'created_at', 'forced_down', 'disabled'] as const
type Flag = ServiceState['disabled']
type ServiceList = readonly (readonly [id: number, lastSeenUp: string | null, createdAt: string | null, forcedDown: Flag, disabled: Flag])[]

function selectWhole(fragments: Fragments, find: string): string {
  const service = `(SELECT ${fragments.listOf(serviceColumns)} FROM services WHERE services.host = instances.host AND services.binary = 'nova-compute' AND services.deleted = 0)`
  const added = [...besideParts.map((part) => [selectBeside(fragments, part), part]), [service, 'service']]
  const text = added.map(([column, name]) => `, ${column} AS "${name}"`).join('')
  return find.replace(' FROM instances WHERE', `${text} FROM instances WHERE`)
}

type StoredWhole = StoredServer & Record<keyof Beside | 'service', string | null>

function wholeOf(row: StoredWhole, cellId: number): Server {
  const { metadata, systemMetadata, tags, volumes, service, ...own } = row
  return {
    ...serverOf(own as StoredServer, cellId),
    beside: readBeside({ metadata, systemMetadata, tags, volumes }, besideParts),
    service: lastOf(service === null ? [] : (JSON.parse(service) as ServiceList)),
  }
}

function lastOf(services: ServiceList): ServiceState | null {
  const last = services.toSorted(([one], [other]) => one - other).at(-1)
  if (!last) return null
  const [, lastSeenUp, createdAt, forcedDown, disabled] = last
  return { lastSeenUp, createdAt, forcedDown, disabled }
}

/** Whether a filter or a sort may name it. */
export const isServerColumn = (name: string): boolean => Object.hasOwn(cellSchema.instances.columns, name)

const qualified = ({ order, after, limit }: ServerPage): ServerPage => ({
  order: order.map(({ column, direction }) => ({ column: `instances.${column}`, direction })),
  after,
  limit,
})

// biome-ignore lint/suspicious/noExplicitAny: columns are chosen at run time
type Any = any

function selectServers(tx: Reading<CellTables>, filter: ServerFilter, fragments: Fragments) {
  return (tx as Kysely<Any>)
    .selectFrom('instances')
    .leftJoin('instance_extra', 'instance_extra.instance_uuid', 'instances.uuid')
    .leftJoin('instance_info_caches', 'instance_info_caches.instance_uuid', 'instances.uuid')
    .select(columns)
    .where((eb) => eb.and(conditions(eb, filter, fragments)))
}

function conditions(eb: Any, filter: ServerFilter, { matches, pattern }: Fragments): Expression<SqlBool>[] {
  const column = (name: string) => `instances.${name}`
  const out: Expression<SqlBool>[] = []
  for (const [name, value] of Object.entries(filter.exact ?? {}))
    out.push(value === null ? eb(column(name), 'is', null) : eb(column(name), '=', value))
  for (const [name, values] of Object.entries(filter.anyOf ?? {})) out.push(eb(column(name), 'in', values))
  for (const [name, text] of Object.entries(filter.like ?? {}))
    out.push(sql<boolean>`${sql.ref(column(name))} ${sql.raw(matches)} ${pattern(text)}`)
  if (filter.tags?.length) out.push(taggedAll(eb, filter.tags))
  if (filter.tagsAny) out.push(tagged(eb, filter.tagsAny))
  if (filter.notTags) out.push(eb.not(taggedAll(eb, filter.notTags)))
  if (filter.notTagsAny) out.push(eb.not(tagged(eb, filter.notTagsAny)))
  if (filter.changesSince !== undefined) out.push(eb('instances.updated_at', '>=', filter.changesSince))
  if (filter.changesBefore !== undefined) out.push(eb('instances.updated_at', '<=', filter.changesBefore))
  out.push(...deletion(eb, filter))
  out.push(
    filter.hidden ? eb('instances.hidden', '=', true) : eb.or([eb('instances.hidden', '=', false), eb('instances.hidden', 'is', null)]),
  )
  return out
}

function deletion(eb: Any, { deleted, softDeleted }: ServerFilter): Expression<SqlBool>[] {
  if (deleted === undefined) return []
  if (deleted) {
    const gone = eb('instances.deleted', '=', eb.ref('instances.id'))
    return [(softDeleted ?? true) ? eb.or([gone, eb('instances.vm_state', '=', 'soft-delete')]) : gone]
  }
  const live = eb('instances.deleted', '=', 0)
  return softDeleted ? [live] : [live, eb.or([eb('instances.vm_state', '!=', 'soft-delete'), eb('instances.vm_state', 'is', null)])]
}

const tagged = (eb: Any, tags: readonly string[]): Expression<SqlBool> =>
  eb('instances.uuid', 'in', eb.selectFrom('tags').select('tags.resource_id').where('tags.tag', 'in', tags))

/** No server has more. nova/objects/instance.py MAX_TAG_COUNT */
const mostTags = 50

function taggedAll(eb: Any, tags: readonly string[]): Expression<SqlBool> {
  const distinct = [...new Set(tags)]
  return distinct.length > mostTags ? eb.lit(false) : eb.and(distinct.map((tag) => tagged(eb, [tag])))
}

/** Within a transaction: makes the change when the states are as expected; says whether it did. */
export async function updateServer(
  tx: Writing<CellTables>,
  uuid: string,
  changes: ServerChanges,
  expected: Expected,
  at: string,
): Promise<boolean> {
  const { numUpdatedRows } = await (tx as Kysely<Any>)
    .updateTable('instances')
    .set({ ...rowOf(changes), updated_at: at })
    .where((eb) => eb.and([eb('uuid', '=', uuid), eb('deleted', '=', 0), ...states(eb, expected)]))
    .executeTakeFirst()
  return numUpdatedRows > 0
}

function states(eb: Any, { taskState, vmState }: Expected): Expression<SqlBool>[] {
  const among = (column: string, values: readonly (string | null)[] | undefined) =>
    values ? [eb.or(values.map((value) => (value === null ? eb(column, 'is', null) : eb(column, '=', value))))] : []
  return [...among('task_state', taskState), ...among('vm_state', vmState)]
}

/** Tables whose rows are marked as deleted with their server, and by which column they name it. */
const belongings = [
  ['security_group_instance_association', 'instance_uuid'],
  ['instance_info_caches', 'instance_uuid'],
  ['instance_metadata', 'instance_uuid'],
  ['instance_faults', 'instance_uuid'],
  ['instance_extra', 'instance_uuid'],
  ['instance_system_metadata', 'instance_uuid'],
  ['block_device_mapping', 'instance_uuid'],
  ['migrations', 'instance_uuid'],
  ['virtual_interfaces', 'instance_uuid'],
  ['instance_id_mappings', 'uuid'],
] as const

async function destroyServer(
  tx: Writing<CellTables>,
  uuid: string,
  expected: Expected & { host?: string | null },
  at: string,
): Promise<boolean> {
  const any = tx as Kysely<Any>
  const { numUpdatedRows } = await any
    .updateTable('instances')
    .set((eb) => ({ deleted: eb.ref('id'), deleted_at: at }))
    .where((eb) => {
      const host = expected.host === undefined ? [] : [expected.host === null ? eb('host', 'is', null) : eb('host', '=', expected.host)]
      return eb.and([eb('uuid', '=', uuid), eb('deleted', '=', 0), ...states(eb, expected), ...host])
    })
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return false
  for (const [table, key] of belongings)
    await any
      .updateTable(table)
      .set((eb) => ({ deleted: eb.ref('id'), deleted_at: at }))
      .where(key, '=', uuid)
      .where('deleted', '=', 0)
      .execute()
  await any.deleteFrom('tags').where('resource_id', '=', uuid).execute()
  await any.deleteFrom('console_auth_tokens').where('instance_uuid', '=', uuid).execute()
  return true
}

/** The values of a server's sort columns, for the page after it. */
export const sortValues = (server: Server, order: readonly Order[]): unknown[] =>
  order.map(({ column }) => (server as unknown as Record<string, unknown>)[camel(column)])
