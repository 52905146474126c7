/** Nova's databases in a folder. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cellName, numbers } from '../../../src/cloud/places.ts'
import { openDatabase } from '../../../src/oslo/database/database.ts'
import { cell0Uuid } from '../../../src/stores/api/mappings.ts'
import { apiSchema } from '../../../src/stores/api/schema.ts'
import { cellSchema } from '../../../src/stores/cell/schema.ts'
import { openCells } from '../../../src/stores/cells.ts'
import { apiStore, type Stores } from '../../../src/stores/stores.ts'
import { syncApi, syncCell } from '../../../src/stores/sync.ts'

const urlOf = (folder: string, name: string) => `sqlite:///${join(folder, name)}.sqlite`

let drawn: Promise<string> | undefined

/** A folder with empty databases, made once: copying them is twenty times as fast. */
function blank(): Promise<string> {
  drawn ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cell-blank-'))
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
    const api = await openDatabase(urlOf(folder, 'api'), { schema: apiSchema, create: true })
    await syncApi(api)
    await api.close()
    const cell = await openDatabase(urlOf(folder, 'cell'), { schema: cellSchema, create: true })
    await syncCell(cell)
    await cell.close()
    return folder
  })()
  return drawn
}

/** Nova's databases in a folder, made when they are not there: so many cells besides cell0. */
export async function openStores(folder: string, now: () => number, count = 1): Promise<Stores & { close(): Promise<void> }> {
  const isNew = !existsSync(join(folder, 'api.sqlite'))
  const place = (name: string) => join(folder, `${name}.sqlite`)
  const cells = ['cell0', ...numbers(count).map(cellName)]
  if (isNew) {
    copyFileSync(join(await blank(), 'api.sqlite'), place('api'))
    for (const name of cells) copyFileSync(join(await blank(), 'cell.sqlite'), place(name))
  }
  const database = await openDatabase(urlOf(folder, 'api'), { schema: apiSchema })
  const api = apiStore(database, now)
  if (isNew)
    for (const [index, name] of cells.entries()) {
      const uuid = index === 0 ? cell0Uuid : `${String(index).repeat(8)}-1111-4111-8111-111111111111`
      await api.cellMappings.create({ uuid, name, databaseConnection: urlOf(folder, name), transportUrl: 'memory:' })
    }
  const opened = openCells({ mappings: api.cellMappings, now, deadlineSeconds: 10 })
  return {
    api,
    cells: opened,
    async close() {
      await opened.close()
      await database.close()
    },
  }
}
