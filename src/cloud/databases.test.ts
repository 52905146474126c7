import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase } from '../oslo/database/database.ts'
import { apiSchema } from '../stores/api/schema.ts'
import { apiStore } from '../stores/stores.ts'
import { databaseUrl } from './configuration.ts'
import { prepareDatabases } from './databases.ts'
import { usualPorts, usualSize } from './places.ts'
import { flavors } from './seed.ts'
import { type Layout, layout, openState } from './state.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'databases-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const world = { clock: { now: () => Date.now() }, ids: { uuid: () => crypto.randomUUID() }, cells: 1 }
const open = (name: string) => openState({ state: join(folder, name), bind: '127.0.0.1', ports: usualPorts, ...usualSize })

async function inApi<T>(files: Layout, ask: (api: ReturnType<typeof apiStore>) => Promise<T>): Promise<T> {
  const database = await openDatabase(databaseUrl(files, 'nova_api'), { schema: apiSchema })
  try {
    return await ask(apiStore(database, world.clock.now))
  } finally {
    await database.close()
  }
}
const cellsOf = (files: Layout) => inApi(files, (api) => api.cellMappings.list())

test('a new cloud has its databases, two cells and the flavors; the next start changes nothing', async () => {
  const files = open('one')
  await prepareDatabases(files, world)
  expect(readdirSync(files.databases).sort()).toEqual(['nova.sqlite', 'nova_api.sqlite', 'nova_cell0.sqlite'])
  const cells = await cellsOf(files)
  expect(cells.map(({ name }) => name)).toEqual(['cell0', 'cell1'])
  expect(cells[1]).toMatchObject({ databaseConnection: databaseUrl(files, 'nova'), transportUrl: `local://${files.messages}` })
  for (const { flavorid, name } of flavors)
    expect(await inApi(files, (api) => api.flavors.find(flavorid))).toMatchObject({ name, isPublic: true })
  await prepareDatabases(files, world)
  expect(await cellsOf(files)).toEqual(cells)
})

test('cells can be added', async () => {
  const files = open('one')
  await prepareDatabases(files, world)
  const [cell0, cell1] = await cellsOf(files)
  await prepareDatabases(files, { ...world, cells: 3 })
  expect(readdirSync(files.databases)).toEqual(expect.arrayContaining(['nova_cell2.sqlite', 'nova_cell3.sqlite']))
  const cells = await cellsOf(files)
  expect(cells.slice(0, 2)).toEqual([cell0, cell1])
  expect(cells.slice(2)).toMatchObject([
    { name: 'cell2', databaseConnection: databaseUrl(files, 'nova_cell2'), transportUrl: `local://${files.root}/run/cell2.sock` },
    { name: 'cell3', databaseConnection: databaseUrl(files, 'nova_cell3'), transportUrl: `local://${files.root}/run/cell3.sock` },
  ])
})

test('a flavor that was removed does not come back', async () => {
  const files = open('one')
  await prepareDatabases(files, world)
  await inApi(files, (api) => api.flavors.remove('42'))
  await prepareDatabases(files, world)
  expect(await inApi(files, (api) => api.flavors.find('42'))).toBeUndefined()
})

test('what a start that was cut short left is not taken for a database', async () => {
  const files = open('one')
  writeFileSync(`${files.database('nova_api')}.new`, 'half')
  writeFileSync(`${files.database('nova')}.new-wal`, 'half')
  await prepareDatabases(files, world)
  expect(readdirSync(files.databases).sort()).toEqual(['nova.sqlite', 'nova_api.sqlite', 'nova_cell0.sqlite'])
  expect(await cellsOf(files)).toHaveLength(2)
})

test('a directory that was moved goes on where it is', async () => {
  const files = open('one')
  await prepareDatabases(files, world)
  const before = await cellsOf(files)
  renameSync(files.root, join(folder, 'two'))
  const moved = layout(join(folder, 'two'))
  await prepareDatabases(moved, world)
  const cells = await cellsOf(moved)
  expect(cells.map(({ uuid }) => uuid)).toEqual(before.map(({ uuid }) => uuid))
  expect(cells.map(({ databaseConnection }) => databaseConnection)).toEqual([databaseUrl(moved, 'nova_cell0'), databaseUrl(moved, 'nova')])
})
