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
import { flavors } from './seed.ts'
import type { Clock, Ids } from './service.ts'
import type { Layout } from './state.ts'

const drafts = '.new'

/**
 * Makes what is missing; what is there stays as it is, but for the addresses of the cells, since the directory may have been moved.
 * nova_api comes last: who finds it finds the others too.
 */
export async function prepareDatabases(layout: Layout, { clock, ids }: { clock: Clock; ids: Ids }): Promise<void> {
  for (const name of readdirSync(layout.databases)) if (name.includes(drafts)) rmSync(join(layout.databases, name), { recursive: true })
  await Promise.all(['nova_cell0', 'nova'].map((name) => makeCell(layout, name)))
  const file = layout.database('nova_api')
  if (!existsSync(file)) {
    const draft = `${file}${drafts}`
    const database = await openDatabase(`sqlite:///${draft}`, { schema: apiSchema, create: true })
    await syncApi(database)
    await fill(database, layout, clock, ids)
    await database.close()
    renameSync(draft, file)
  } else {
    const database = await openDatabase(databaseUrl(layout, 'nova_api'), { schema: apiSchema })
    await syncApi(database)
    await readdress(database, layout, clock)
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

const addresses = (layout: Layout) => ({
  cell0: { databaseConnection: databaseUrl(layout, 'nova_cell0'), transportUrl: 'none:///' },
  cell1: { databaseConnection: databaseUrl(layout, 'nova'), transportUrl: transportUrl(layout) },
})

async function fill(database: Database<ApiTables>, layout: Layout, clock: Clock, ids: Ids): Promise<void> {
  const api = apiStore(database, () => clock.now())
  const { cell0, cell1 } = addresses(layout)
  await api.cellMappings.create({ uuid: cell0Uuid, name: 'cell0', ...cell0 })
  await api.cellMappings.create({ uuid: ids.uuid(), name: 'cell1', ...cell1 })
  for (const flavor of flavors) await api.flavors.create(flavor)
}

async function readdress(database: Database<ApiTables>, layout: Layout, clock: Clock): Promise<void> {
  const { cellMappings } = apiStore(database, () => clock.now())
  const wanted = addresses(layout)
  for (const { id, name, databaseConnection, transportUrl } of await cellMappings.list()) {
    const now = wanted[name as keyof typeof wanted]
    if (now && (now.databaseConnection !== databaseConnection || now.transportUrl !== transportUrl)) await cellMappings.update(id, now)
  }
}
