import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, expect, test } from 'vitest'
import { openDatabase } from '../oslo/database/database.ts'
import { DatabaseError } from '../oslo/database/errors.ts'
import { apiSchema } from './api/schema.ts'
import { cellSchema } from './cell/schema.ts'
import { apiRevision, cellRevision, syncApi, syncCell, versionOf } from './sync.ts'

const directory = mkdtempSync(join(tmpdir(), 'nova-ts-sync-'))
afterAll(() => rmSync(directory, { recursive: true }))

const openApi = (url = 'sqlite://') => openDatabase(url, { schema: apiSchema, create: true })

test('the API database: made once, then left alone', async () => {
  const database = await openApi()
  expect(await versionOf(database)).toBeNull()
  expect(await syncApi(database)).toBe('created')
  expect(await versionOf(database)).toBe('cdeec0c85668')
  const before = database.statements
  expect(await syncApi(database)).toBe('current')
  expect(database.statements - before).toBeLessThan(5)
  await database.close()
})

test('a cell: made once, then left alone', async () => {
  const database = await openDatabase('sqlite://', { schema: cellSchema })
  expect(await syncCell(database)).toBe('created')
  expect(await versionOf(database)).toBe('2903cd72dc14')
  expect(await syncCell(database)).toBe('current')
  const [row] = await database.rows<{ n: number }>("SELECT count(*) AS n FROM sqlite_master WHERE type = 'table'")
  expect(row!.n).toBe(111)
  await database.close()
})

test('a database of the same revision is taken as it is', async () => {
  const database = await openApi()
  await database.write(async (tx) => {
    await sql`CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)`.execute(tx)
    await sql`INSERT INTO alembic_version VALUES (${apiRevision})`.execute(tx)
  })
  expect(await syncApi(database)).toBe('current')
  await database.close()
})

test('an alembic_version without a row is a database that has nothing yet', async () => {
  const database = await openApi()
  await database.write((tx) => sql`CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)`.execute(tx))
  expect(await versionOf(database)).toBeNull()
  expect(await syncApi(database)).toBe('created')
  expect(await versionOf(database)).toBe(apiRevision)
  await database.close()
})

const refused: [what: string, statements: string[], message: RegExp][] = [
  ['an older revision', ["INSERT INTO alembic_version VALUES ('b30f573d3377')"], /revision b30f573d3377, which is older; cdeec0c85668/],
  [
    'an unknown revision',
    ["INSERT INTO alembic_version VALUES ('ffffffffffff')"],
    /ffffffffffff, which is not one that this release knows/,
  ],
  ["a cell's revision", [`INSERT INTO alembic_version VALUES ('${cellRevision}')`], /not one that this release knows/],
  [
    'two heads',
    [`INSERT INTO alembic_version VALUES ('${apiRevision}')`, "INSERT INTO alembic_version VALUES ('x')"],
    /cdeec0c85668 x, which is not/,
  ],
  ['tables without a revision', ['CREATE TABLE migrate_version (version INTEGER)'], /no revision, yet it has tables: migrate_version/],
]
for (const [what, statements, message] of refused)
  test(`${what} is refused and nothing is changed`, async () => {
    const database = await openApi()
    await database.write(async (tx) => {
      await sql`CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)`.execute(tx)
      for (const statement of statements) await sql.raw(statement).execute(tx)
    })
    const tables = () => database.rows('SELECT name FROM sqlite_master')
    const before = await tables()
    const error = await syncApi(database).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DatabaseError)
    expect((error as Error).message).toMatch(message)
    expect(await tables()).toEqual(before)
    await database.close()
  })

test('two that sync at once make the tables once', async () => {
  const url = `sqlite:///${join(directory, 'api.sqlite')}`
  const databases = [await openApi(url), await openApi(url)]
  const outcomes = await Promise.all(databases.map(syncApi))
  expect(outcomes.sort()).toEqual(['created', 'current'])
  for (const database of databases) await database.close()
})
