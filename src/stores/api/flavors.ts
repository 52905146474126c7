/** Flavors with their extra specs and access lists, in nova_api. */
import { type Insertable, type Selectable, sql } from 'kysely'
import type { Database, Reading, Writing } from '../../oslo/database/database.ts'
import { toDateTime } from '../../oslo/database/datetime.ts'
import type { Fragments } from '../../oslo/database/driver.ts'
import { DuplicateKey } from '../../oslo/database/errors.ts'
import { paged } from '../paging.ts'
import type { ApiTables } from './schema.ts'

export interface Flavor {
  readonly id: number
  readonly flavorid: string
  readonly name: string
  readonly memoryMb: number
  readonly vcpus: number
  readonly rootGb: number
  readonly ephemeralGb: number
  readonly swap: number
  readonly rxtxFactor: number
  readonly vcpuWeight: number | null
  readonly disabled: boolean
  readonly isPublic: boolean
  readonly description: string | null
  readonly createdAt: string | null
  readonly updatedAt: string | null
  readonly extraSpecs: Readonly<Record<string, string>>
}

export type NewFlavor = Omit<Flavor, 'id' | 'vcpuWeight' | 'disabled' | 'createdAt' | 'updatedAt' | 'extraSpecs'>

export interface FlavorFilter {
  /** Public ones, together with those that this project may use; private ones; or, when absent, all. */
  readonly isPublic?: boolean | undefined
  readonly projectId?: string | null
  readonly disabled?: boolean
  readonly minMemoryMb?: number | undefined
  readonly minRootGb?: number | undefined
  /** A regular expression of the database. */
  readonly name?: string | undefined
}

export interface FlavorPage {
  readonly sortKey: string
  readonly sortDir: 'asc' | 'desc'
  readonly limit: number
  /** The flavorid of the last one seen. */
  readonly marker?: string | undefined
}

/** What a write found in its way. */
export type FlavorClash = 'name' | 'flavorid'

type Tx = Reading<ApiTables>

export const flavors = (database: Database<ApiTables>, now: () => number) => ({
  /** By the id that users know; `visibleTo` leaves out private ones that the project may not use. */
  find: (flavorid: string, visibleTo?: string | null) => database.read((tx) => findFlavor(tx, flavorid, visibleTo)),

  /** A page; undefined when the marker is not there. */
  list: (filter: FlavorFilter, page: FlavorPage) => database.read((tx) => listFlavors(tx, filter, page, database.fragments)),

  /** The new flavor, or which of its keys is taken. */
  create: async (values: NewFlavor): Promise<Flavor | FlavorClash> => {
    try {
      return await database.write(async (tx) => {
        const { insertId } = await tx.insertInto('flavors').values(rowOf(values, now())).executeTakeFirstOrThrow()
        return (await findFlavor(tx, values.flavorid)) ?? missing(insertId)
      })
    } catch (error) {
      if (!(error instanceof DuplicateKey)) throw error
      // Where both are taken SQLite names the other one than MariaDB
      const sameId = error.columns.includes('flavorid') || (await database.read((tx) => findFlavor(tx, values.flavorid))) !== undefined
      return sameId ? 'flavorid' : 'name'
    }
  },

  describe: (id: number, description: string | null) =>
    database.write((tx) =>
      tx
        .updateTable('flavors')
        .set({ description, updated_at: toDateTime(now()) })
        .where('id', '=', id)
        .execute(),
    ),

  /** Whether there was one. */
  remove: (flavorid: string) => database.write((tx) => removeFlavor(tx, flavorid)),

  /** Sets these and keeps the others. */
  setExtraSpecs: (id: number, specs: Readonly<Record<string, string>>) =>
    database.write((tx) => setSpecs(tx, id, specs, toDateTime(now()))),

  /** Whether there was one. */
  removeExtraSpec: (id: number, key: string) =>
    database.write(async (tx) => {
      const { numDeletedRows } = await tx
        .deleteFrom('flavor_extra_specs')
        .where('flavor_id', '=', id)
        .where('key', '=', key)
        .executeTakeFirst()
      return numDeletedRows > 0
    }),

  /** Projects that may use a private flavor, in the order in which they were let in. */
  projectsOf: (id: number) =>
    database.read(async (tx) => {
      const rows = await tx.selectFrom('flavor_projects').select('project_id').where('flavor_id', '=', id).orderBy('id').execute()
      return rows.map((row) => row.project_id)
    }),

  /** False when the project was let in already. */
  addProject: async (id: number, projectId: string): Promise<boolean> => {
    try {
      await database.write((tx) =>
        tx
          .insertInto('flavor_projects')
          .values({ flavor_id: id, project_id: projectId, created_at: toDateTime(now()) })
          .execute(),
      )
      return true
    } catch (error) {
      if (error instanceof DuplicateKey) return false
      throw error
    }
  },

  /** Whether it was let in. */
  removeProject: (id: number, projectId: string) =>
    database.write(async (tx) => {
      const { numDeletedRows } = await tx
        .deleteFrom('flavor_projects')
        .where('flavor_id', '=', id)
        .where('project_id', '=', projectId)
        .executeTakeFirst()
      return numDeletedRows > 0
    }),
})

export type Flavors = ReturnType<typeof flavors>

/** Columns by which a list may be sorted, as the API names them. */
const sortable = new Set(
  [
    'created_at description disabled ephemeral_gb flavorid id is_public memory_mb name root_gb rxtx_factor swap updated_at vcpu_weight vcpus'.split(
      ' ',
    ),
  ].flat(),
)

async function findFlavor(tx: Tx, flavorid: string, visibleTo?: string | null): Promise<Flavor | undefined> {
  let query = tx.selectFrom('flavors').selectAll().where('flavorid', '=', flavorid)
  if (visibleTo !== undefined) query = query.where((eb) => eb.or([eb('is_public', '=', true), eb('id', 'in', lentTo(tx, visibleTo))]))
  const row = await query.executeTakeFirst()
  return row && flavorOf(row, await specsOf(tx, [row.id]))
}

const lentTo = (tx: Tx, projectId: string | null) =>
  tx
    .selectFrom('flavor_projects')
    .select('flavor_id')
    .where('project_id', '=', projectId ?? '')

async function listFlavors(
  tx: Tx,
  filter: FlavorFilter,
  { sortKey, sortDir, limit, marker }: FlavorPage,
  { matches, pattern }: Fragments,
): Promise<Flavor[] | undefined> {
  if (!sortable.has(sortKey)) throw new RangeError(`flavors cannot be sorted by ${sortKey}`)
  const order = [sortKey, 'id'].map((column) => ({ column, direction: sortDir }))
  let after: unknown[] | undefined
  if (marker !== undefined) {
    const row = await tx.selectFrom('flavors').selectAll().where('flavorid', '=', marker).executeTakeFirst()
    if (!row) return undefined
    after = order.map(({ column }) => row[column as keyof typeof row])
  }
  let query = tx.selectFrom('flavors').selectAll()
  const { isPublic, projectId, disabled, minMemoryMb, minRootGb, name } = filter
  if (minMemoryMb !== undefined) query = query.where('memory_mb', '>=', minMemoryMb)
  if (minRootGb !== undefined) query = query.where('root_gb', '>=', minRootGb)
  if (disabled !== undefined) query = query.where('disabled', '=', disabled)
  if (name !== undefined) query = query.where(sql<boolean>`name ${sql.raw(matches)} ${pattern(name)}`)
  if (isPublic !== undefined)
    query = query.where((eb) =>
      isPublic && projectId ? eb.or([eb('is_public', '=', true), eb('id', 'in', lentTo(tx, projectId))]) : eb('is_public', '=', isPublic),
    )
  const rows = await paged(query, { order, after, limit }).execute()
  const specs = await specsOf(
    tx,
    rows.map((row) => row.id),
  )
  return rows.map((row) => flavorOf(row, specs))
}

type Specs = ReadonlyMap<number, Record<string, string>>

async function specsOf(tx: Tx, ids: readonly number[]): Promise<Specs> {
  const entries = new Map<number, [key: string, value: string][]>()
  if (ids.length === 0) return new Map()
  const rows = await tx
    .selectFrom('flavor_extra_specs')
    .select(['flavor_id', 'key', 'value'])
    .where('flavor_id', 'in', ids)
    .orderBy('id')
    .execute()
  for (const { flavor_id, key, value } of rows) {
    const specs = entries.get(flavor_id) ?? []
    specs.push([key, value ?? ''])
    entries.set(flavor_id, specs)
  }
  // A key may be __proto__, which assignment would lose
  return new Map([...entries].map(([id, specs]) => [id, Object.fromEntries(specs)]))
}

async function setSpecs(tx: Writing<ApiTables>, id: number, specs: Readonly<Record<string, string>>, at: string): Promise<void> {
  for (const [key, value] of Object.entries(specs)) {
    const { numUpdatedRows } = await tx
      .updateTable('flavor_extra_specs')
      .set({ value, updated_at: at })
      .where('flavor_id', '=', id)
      .where('key', '=', key)
      .executeTakeFirst()
    if (numUpdatedRows === 0n) await tx.insertInto('flavor_extra_specs').values({ flavor_id: id, key, value, created_at: at }).execute()
  }
}

async function removeFlavor(tx: Writing<ApiTables>, flavorid: string): Promise<boolean> {
  const row = await tx.selectFrom('flavors').select('id').where('flavorid', '=', flavorid).executeTakeFirst()
  if (!row) return false
  await tx.deleteFrom('flavor_projects').where('flavor_id', '=', row.id).execute()
  await tx.deleteFrom('flavor_extra_specs').where('flavor_id', '=', row.id).execute()
  await tx.deleteFrom('flavors').where('id', '=', row.id).execute()
  return true
}

function flavorOf(row: Selectable<ApiTables['flavors']>, specs: Specs): Flavor {
  return {
    id: row.id,
    flavorid: row.flavorid,
    name: row.name,
    memoryMb: row.memory_mb,
    vcpus: row.vcpus,
    rootGb: row.root_gb ?? 0,
    ephemeralGb: row.ephemeral_gb ?? 0,
    swap: row.swap,
    rxtxFactor: row.rxtx_factor ?? 1,
    vcpuWeight: row.vcpu_weight,
    disabled: Boolean(row.disabled),
    isPublic: Boolean(row.is_public),
    description: row.description,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    extraSpecs: specs.get(row.id) ?? {},
  }
}

const rowOf = (values: NewFlavor, now: number): Insertable<ApiTables['flavors']> => ({
  flavorid: values.flavorid,
  name: values.name,
  memory_mb: values.memoryMb,
  vcpus: values.vcpus,
  root_gb: values.rootGb,
  ephemeral_gb: values.ephemeralGb,
  swap: values.swap,
  rxtx_factor: values.rxtxFactor,
  disabled: false,
  is_public: values.isPublic,
  description: values.description,
  created_at: toDateTime(now),
})

function missing(id: unknown): never {
  throw new Error(`the flavor with id ${id} is gone`)
}
