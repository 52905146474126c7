/** Databases as a small deployment has them, in a folder or on a server: nova_api, cell0 and one cell. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../src/oslo/database/database.ts'
import { cell0Uuid } from '../../src/stores/api/mappings.ts'
import { apiSchema } from '../../src/stores/api/schema.ts'
import { cellSchema } from '../../src/stores/cell/schema.ts'
import { openCells } from '../../src/stores/cells.ts'
import { apiStore, type Stores } from '../../src/stores/stores.ts'
import { syncApi, syncCell } from '../../src/stores/sync.ts'
import { takeSet, testServer } from './server-databases.ts'

/** The id of the mapping of the one cell that there is beside cell0. */
export const cellId = 2

export interface TestStores extends Stores {
  /** The connection string of `api.sqlite`, `cell0.sqlite` or `cell1.sqlite`. */
  url(name: string): string
  /** Statements on all databases so far. */
  statements(): Promise<number>
  close(): Promise<void>
}

/** `NOVA_TEST_DATABASES` names a server for them (see `server-databases.ts`); without it they are files. */
export async function testStores(now: () => number): Promise<TestStores> {
  const { url, remove } = testServer === undefined ? await inFolder() : await onServer(testServer)
  const apiDatabase = await openDatabase(url('api.sqlite'), { schema: apiSchema })
  const api = apiStore(apiDatabase, now)
  await api.cellMappings.create({ uuid: cell0Uuid, name: 'cell0', databaseConnection: url('cell0.sqlite'), transportUrl: 'none:///' })
  await api.cellMappings.create({
    uuid: '11111111-0000-0000-0000-000000000000',
    name: 'cell1',
    databaseConnection: url('cell1.sqlite'),
    transportUrl: 'memory:',
  })
  const cells = openCells({ mappings: api.cellMappings, now, deadlineSeconds: 5 })
  return {
    api,
    cells,
    url,
    async statements() {
      const all = await cells.all()
      return apiDatabase.statements + all.reduce((sum, cell) => sum + cell.database.statements, 0)
    },
    async close() {
      await cells.close()
      await apiDatabase.close()
      remove()
    },
  }
}

interface Place {
  readonly url: (name: string) => string
  readonly remove: () => void
}

async function inFolder(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'nova-'))
  const url = (name: string) => `sqlite:///${join(folder, name)}`
  const api = await openDatabase(url('api.sqlite'), { schema: apiSchema, create: true })
  await syncApi(api)
  await api.close()
  for (const name of ['cell0.sqlite', 'cell1.sqlite']) {
    const database = await openDatabase(url(name), { schema: cellSchema, create: true })
    await syncCell(database)
    await database.close()
  }
  return { url, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

async function onServer(server: string): Promise<Place> {
  const { url, giveBack } = await takeSet(server)
  return { url: (name) => url(name.replace('.sqlite', '')), remove: giveBack }
}
