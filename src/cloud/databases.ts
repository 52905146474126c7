/** Nova's databases as a new deployment has them: tables, cells, flavors. Each appears as a whole, by renaming a finished file. */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, openDatabase } from '../oslo/database/database.ts'
import { cell0Uuid } from '../stores/api/mappings.ts'
import { type ApiTables, apiSchema } from '../stores/api/schema.ts'
import { cellSchema } from '../stores/cell/schema.ts'
import { apiStore } from '../stores/stores.ts'
import { syncApi, syncCell } from '../stores/sync.ts'
import { databaseUrl, transportUrl } from './configuration.ts'
import { cellName, numbers } from './places.ts'
import { flavors } from './seed.ts'
import type { Clock, Ids } from './service.ts'
import type { Layout } from './state.ts'

const drafts = '.new'

export interface DatabaseParts {
  readonly clock: Clock
  readonly ids: Ids
  /** How many there are, cell0 aside. */
  readonly cells: number
}

/**
 * Makes what is missing; what is there stays as it is, but for the addresses of the cells, since the directory may have been moved.
 * nova_api comes last: who finds it finds the others too.
 */
export async function prepareDatabases(layout: Layout, parts: DatabaseParts): Promise<void> {
  for (const name of readdirSync(layout.databases)) if (name.includes(drafts)) rmSync(join(layout.databases, name), { recursive: true })
  await Promise.all(['nova_cell0', ...numbers(parts.cells).map(layout.cellDatabase)].map((name) => makeCell(layout, name)))
  const file = layout.database('nova_api')
  if (!existsSync(file)) {
    const draft = `${file}${drafts}`
    const database = await openDatabase(`sqlite:///${draft}`, { schema: apiSchema, create: true })
    await syncApi(database)
    await mapCells(database, layout, parts)
    await addFlavors(database, parts)
    await database.close()
    renameSync(draft, file)
  } else {
    const database = await openDatabase(databaseUrl(layout, 'nova_api'), { schema: apiSchema })
    await syncApi(database)
    await mapCells(database, layout, parts)
    await database.close()
  }
}

async function makeCell(layout: Layout, name: string): Promise<void> {
  const file = layout.database(name)
  const fresh = !existsSync(file)
  const database = await openDatabase(`sqlite:///${file}${fresh ? drafts : ''}`, { schema: cellSchema, create: fresh })
  await syncCell(database)
  await database.close()
  if (fresh) renameSync(`${file}${drafts}`, file)
}

const addresses = (layout: Layout, cells: number): [name: string, address: { databaseConnection: string; transportUrl: string }][] => [
  ['cell0', { databaseConnection: databaseUrl(layout, 'nova_cell0'), transportUrl: 'none:///' }],
  ...numbers(cells).map((cell): [string, { databaseConnection: string; transportUrl: string }] => [
    cellName(cell),
    { databaseConnection: databaseUrl(layout, layout.cellDatabase(cell)), transportUrl: transportUrl(layout, cell) },
  ]),
]

/** Where each cell is. A start that was cut short may have told of some of them. */
async function mapCells(database: Database<ApiTables>, layout: Layout, { clock, ids, cells }: DatabaseParts): Promise<void> {
  const { cellMappings } = apiStore(database, () => clock.now())
  const known = new Map((await cellMappings.list()).map((mapping) => [mapping.name, mapping]))
  for (const [name, wanted] of addresses(layout, cells)) {
    const found = known.get(name)
    if (!found) await cellMappings.create({ uuid: name === 'cell0' ? cell0Uuid : ids.uuid(), name, ...wanted })
    else if (wanted.databaseConnection !== found.databaseConnection || wanted.transportUrl !== found.transportUrl)
      await cellMappings.update(found.id, wanted)
  }
}

async function addFlavors(database: Database<ApiTables>, { clock }: DatabaseParts): Promise<void> {
  const api = apiStore(database, () => clock.now())
  for (const flavor of flavors) await api.flavors.create(flavor)
}
