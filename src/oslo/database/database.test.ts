import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { afterAll, expect, test } from 'vitest'
import { type Database, openDatabase, type Writing } from './database.ts'
import { createStatements } from './ddl.ts'
import { DatabaseBusy, DatabaseError, DatabaseUnavailable, DuplicateKey, ForeignKeyViolated } from './errors.ts'
import { boolean, id, integer, type Schema, string, type TablesOf, table } from './schema.ts'

const schema = {
  teams: table({ id: id(), name: string(20), uuid: string(36) }, { uniqueIndexes: { teams_uuid_idx: ['uuid'] } }),
  people: table(
    { id: id(), name: string(20).required(), member: boolean(), team_id: integer() },
    { unique: { uniq_people0team0name: ['team_id', 'name'] }, foreignKeys: [['team_id', 'teams.id']] },
  ),
} satisfies Schema
type Tables = TablesOf<typeof schema>

const directory = mkdtempSync(join(tmpdir(), 'nova-ts-database-'))
afterAll(() => rmSync(directory, { recursive: true }))
let files = 0
const newFile = () => join(directory, `${++files}.sqlite`)

async function made(url: string, busySeconds = 5): Promise<Database<Tables>> {
  const database = await openDatabase(url, { schema, create: true, busySeconds })
  await database.write(async (tx) => {
    for (const statement of createStatements(schema, 'sqlite')) await sql.raw(statement).execute(tx)
  })
  return database
}

const add = (tx: Writing<Tables>, name: string, more: { member?: boolean; team_id?: number; id?: number } = {}) =>
  tx
    .insertInto('people')
    .values({ name, ...more })
    .executeTakeFirstOrThrow()
const names = async (database: Database<Tables>) =>
  (await database.read((tx) => tx.selectFrom('people').select('name').orderBy('id').execute())).map((row) => row.name)

for (const place of ['memory', 'file']) {
  const url = () => (place === 'memory' ? 'sqlite://' : `sqlite:///${newFile()}`)

  test(`${place}: what is written is read, booleans too`, async () => {
    const database = await made(url())
    expect(database.engine).toBe('sqlite')
    const { insertId } = await database.write((tx) => add(tx, 'ann', { member: true }))
    expect(insertId).toBe(1n)
    await database.write((tx) => add(tx, 'bob', { member: false }))
    await database.write((tx) => add(tx, 'cid'))
    const rows = await database.read((tx) => tx.selectFrom('people').select(['name', 'member']).orderBy('id').execute())
    expect(rows.map(({ name, member }) => [name, member && Boolean(member)])).toEqual([
      ['ann', true],
      ['bob', 0],
      ['cid', null],
    ])
    expect(rows.map(({ member }) => Boolean(member))).toEqual([true, false, false])
    const members = await database.read((tx) => tx.selectFrom('people').select('name').where('member', '=', true).execute())
    expect(members).toEqual([{ name: 'ann' }])
    expect(await database.rows('SELECT name FROM people WHERE member = ? AND id < ?', [false, 9])).toEqual([{ name: 'bob' }])
    const { numUpdatedRows } = await database.write((tx) => tx.updateTable('people').set({ member: true }).executeTakeFirst())
    expect(numUpdatedRows).toBe(3n)
    const returned = await database.write((tx) => tx.deleteFrom('people').where('id', '>', 1).returning('name').execute())
    expect(returned).toEqual([{ name: 'bob' }, { name: 'cid' }])
    expect(await database.integrity()).toEqual([])
    await database.close()
  })

  test(`${place}: a write that throws leaves nothing`, async () => {
    const database = await made(url())
    const failed = database.write(async (tx) => {
      await add(tx, 'ann')
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    await database.write((tx) => add(tx, 'bob'))
    expect(await names(database)).toEqual(['bob'])
    await database.close()
  })

  test(`${place}: writes at the same time take turns`, async () => {
    const database = await made(url())
    const added = [...'abcdefgh'].map((name) =>
      database.write(async (tx) => {
        const [last] = await tx.selectFrom('people').select('id').orderBy('id', 'desc').limit(1).execute()
        await pause(1)
        await add(tx, name, { id: (last?.id ?? 0) + 1 })
      }),
    )
    await Promise.all(added)
    expect(await names(database)).toEqual([...'abcdefgh'])
    await database.close()
  })

  test(`${place}: keys that are taken are told with constraint and columns`, async () => {
    const database = await made(url())
    await database.write(async (tx) => {
      await tx.insertInto('teams').values({ name: 'red', uuid: 'u' }).execute()
      await add(tx, 'ann', { team_id: 1 })
    })
    const cases: [(tx: Writing<Tables>) => Promise<unknown>, Partial<DuplicateKey>][] = [
      [(tx) => add(tx, 'ann', { team_id: 1 }), { table: 'people', constraint: 'uniq_people0team0name', columns: ['team_id', 'name'] }],
      [(tx) => add(tx, 'bob', { id: 1 }), { table: 'people', constraint: null, columns: ['id'] }],
      [(tx) => tx.insertInto('teams').values({ uuid: 'u' }).execute(), { table: 'teams', constraint: 'teams_uuid_idx', columns: ['uuid'] }],
    ]
    for (const [work, expected] of cases) {
      const error = await database.write(work).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(DuplicateKey)
      expect(error).toMatchObject(expected)
    }
    // Caught inside, the transaction goes on.
    await database.write(async (tx) => {
      await add(tx, 'ann', { team_id: 1 }).catch((error: unknown) => expect(error).toBeInstanceOf(DuplicateKey))
      await add(tx, 'bob', { team_id: 1 })
    })
    expect(await names(database)).toEqual(['ann', 'bob'])
    await database.close()
  })

  test(`${place}: foreign keys hold`, async () => {
    const database = await made(url())
    await expect(database.write((tx) => add(tx, 'ann', { team_id: 1 }))).rejects.toThrow(ForeignKeyViolated)
    await database.write(async (tx) => {
      await tx.insertInto('teams').values({ name: 'red' }).execute()
      await add(tx, 'ann', { team_id: 1 })
    })
    await expect(database.write((tx) => tx.deleteFrom('teams').execute())).rejects.toThrow(ForeignKeyViolated)
    await database.close()
  })

  test(`${place}: a read must not write`, async () => {
    const database = await made(url())
    const before = database.statements
    await expect(database.read((tx) => tx.insertInto('people').values({ name: 'x' }).execute())).rejects.toThrow(DatabaseError)
    await expect(database.rows("INSERT INTO people (name) VALUES ('x') RETURNING id")).rejects.toThrow('a read must not write')
    await expect(database.read((tx) => tx.transaction().execute(async () => {}))).rejects.toThrow('use write')
    expect(database.statements).toBe(before + 2)
    expect(await names(database)).toEqual([])
    await database.close()
  })

  test(`${place}: an error in a statement is the driver's own`, async () => {
    const database = await made(url())
    await expect(database.rows('SELECT missing FROM people')).rejects.toThrow('no such column: missing')
    await expect(database.write((tx) => sql`INSERT INTO people (id) VALUES (1)`.execute(tx))).rejects.toThrow(/NOT NULL/)
    await database.close()
  })

  test(`${place}: REGEXP finds a pattern anywhere`, async () => {
    const database = await made(url())
    for (const name of ['web-1', 'web-2', 'WEB', 'db', 'web|1']) await database.write((tx) => add(tx, name))
    const found = (pattern: string | null) =>
      database.rows<{ name: string }>('SELECT name FROM people WHERE name REGEXP ? ORDER BY id', [pattern])
    const cases: [string | null, string[]][] = [
      ['eb-[12]', ['web-1', 'web-2']],
      ['B$', ['WEB', 'db']],
      ['eb-1|eb-2', []],
      ['eb|1', ['web|1']],
      ['', ['web-1', 'web-2', 'WEB', 'db', 'web|1']],
      [null, []],
    ]
    for (const [pattern, expected] of cases) expect((await found(pattern)).map((row) => row.name)).toEqual(expected)
    expect(await database.rows('SELECT NULL REGEXP ? AS found', ['None'])).toEqual([{ found: null }])
    await expect(found('(')).rejects.toThrow('not a regular expression: (')
    expect(await found('db')).toHaveLength(1)
    await database.close()
  })

  test(`${place}: a REGEXP that would take for ever is given up`, async () => {
    const database = await made(url())
    for (const name of ['web-1', `${'a'.repeat(255)}!`]) await database.write((tx) => add(tx, name))
    const found = (pattern: string) => database.rows<{ id: number }>('SELECT id FROM people WHERE name REGEXP ?', [pattern])
    for (const endless of ['(a+)+$', '([a-z]*)*$', 'a*a*a*a*a*a*b']) await expect(found(endless)).rejects.toThrow('it takes too long')
    expect(await found('(e+)+b')).toEqual([{ id: 1 }])
    expect(await found('a+a+$')).toEqual([])
    expect(await found('a{200}!')).toEqual([{ id: 2 }])
    await database.close()
  })

  test(`${place}: statements are counted`, async () => {
    const database = await made(url())
    const before = database.statements
    await database.write(async (tx) => {
      await add(tx, 'ann')
      await add(tx, 'bob')
    })
    await names(database)
    await database.rows('SELECT 1')
    expect(database.statements - before).toBe(4)
    await database.close()
  })

  test(`${place}: a write inside a write ends with DatabaseBusy`, async () => {
    const database = await made(url(), 0.05)
    await expect(database.write(() => database.write((tx) => add(tx, 'ann')))).rejects.toThrow(DatabaseBusy)
    await database.write((tx) => add(tx, 'bob'))
    expect(await names(database)).toEqual(['bob'])
    await database.close()
  })

  test(`${place}: a transaction that others were in the way of runs again`, async () => {
    const database = await made(url())
    let runs = 0
    await database.write(async (tx) => {
      await add(tx, `run ${++runs}`)
      if (runs < 3) throw new DatabaseBusy('deadlock')
    })
    expect(await names(database)).toEqual(['run 3'])
    await database.close()
  })

  test(`${place}: more statements than are kept prepared`, async () => {
    const database = await made(url())
    for (let round = 0; round < 2; round++) for (let i = 0; i < 600; i++) expect(await database.rows(`SELECT ${i} AS i`)).toEqual([{ i }])
    await database.close()
  })

  test(`${place}: rows can be streamed`, async () => {
    const database = await made(url())
    for (const name of 'abc') await database.write((tx) => add(tx, name))
    const seen: string[] = []
    await database.read(async (tx) => {
      for await (const { name } of tx.selectFrom('people').select('name').stream()) seen.push(name)
    })
    expect(seen).toEqual(['a', 'b', 'c'])
    await database.close()
  })

  test(`${place}: close waits for a write, and then everything is unavailable`, async () => {
    const database = await made(url())
    const writing = database.write(async (tx) => {
      await pause(10)
      await add(tx, 'ann')
    })
    await database.close()
    await writing
    await database.close()
    for (const use of [() => names(database), () => database.write((tx) => add(tx, 'x')), () => database.rows('SELECT 1')])
      await expect(use()).rejects.toThrow(DatabaseUnavailable)
    await expect(database.integrity()).rejects.toThrow(DatabaseUnavailable)
  })
}

test('a read does not wait for a write and sees what was committed', async () => {
  const database = await made(`sqlite:///${newFile()}`)
  await database.write(async (tx) => {
    await add(tx, 'ann')
    expect(await names(database)).toEqual([])
  })
  expect(await names(database)).toEqual(['ann'])
  await database.close()
})

test('what is written is there when it is opened again', async () => {
  const file = newFile()
  const database = await made(`sqlite:///${file}`)
  await database.write((tx) => add(tx, 'ann'))
  await database.close()
  const again = await openDatabase(`sqlite:///${file}`, { schema })
  expect(await names(again)).toEqual(['ann'])
  await again.close()
})

test('a write waits for another process without stopping this one, and gives up in time', async () => {
  const file = newFile()
  const database = await made(`sqlite:///${file}`, 0.15)
  const other = new Sqlite(file)
  other.exec('BEGIN IMMEDIATE')
  let ticks = 0
  const ticking = setInterval(() => ticks++, 5)
  await expect(database.write((tx) => add(tx, 'ann'))).rejects.toThrow(DatabaseBusy)
  expect(ticks).toBeGreaterThan(5)
  const later = database.write((tx) => add(tx, 'bob'))
  await pause(30)
  expect(await names(database)).toEqual([])
  other.exec('COMMIT')
  other.close()
  await later
  clearInterval(ticking)
  expect(await names(database)).toEqual(['bob'])
  await database.close()
})

test('the timeout of the connection string is kept', async () => {
  const file = newFile()
  await (await made(`sqlite:///${file}`)).close()
  const database = await openDatabase(`sqlite:///${file}?timeout=0.05&check_same_thread=False`, { schema })
  const other = new Sqlite(file)
  other.exec('BEGIN IMMEDIATE')
  const start = performance.now()
  await expect(database.write((tx) => add(tx, 'ann'))).rejects.toThrow(DatabaseBusy)
  expect(performance.now() - start).toBeLessThan(2000)
  other.close()
  await database.close()
})

test('a damaged file is told', async () => {
  const file = newFile()
  const database = await made(`sqlite:///${file}`)
  await database.write(async (tx) => {
    for (let i = 0; i < 1000; i++) await add(tx, `person ${i}`)
  })
  await database.close()
  const handle = await open(file, 'r+')
  await handle.write(Buffer.alloc(4096, 0xff), 0, 4096, 4096 * 8)
  await handle.close()
  const damaged = await openDatabase(`sqlite:///${file}`, { schema })
  expect((await damaged.integrity()).length).toBeGreaterThan(0)
  await damaged.close()
})

writeFileSync(join(directory, 'text.sqlite'), 'no database, '.repeat(100))
const refused: [string, string, { create?: boolean }, new (message: string) => Error, RegExp][] = [
  ['a file that is not there', `sqlite:///${directory}/none.sqlite`, {}, DatabaseUnavailable, /none.sqlite is not there/],
  ['a directory that is not there', `sqlite:///${directory}/none/x.sqlite`, { create: true }, DatabaseUnavailable, /directory/],
  ['a directory', `sqlite:///${directory}`, {}, DatabaseUnavailable, /unable to open/],
  ['a file of something else', `sqlite:///${directory}/text.sqlite`, {}, DatabaseError, /text.sqlite is not an SQLite database/],
  ['an unknown option', 'sqlite:///x?uri=true', { create: true }, DatabaseError, /option uri=true/],
  ['a timeout that is none', 'sqlite:///x?timeout=soon', { create: true }, DatabaseError, /option timeout=soon/],
  [
    'MariaDB that is not there',
    'mysql+pymysql://u:secret@127.0.0.1:1/n',
    {},
    DatabaseUnavailable,
    /^mysql\+pymysql:\/\/u:\*\*\*@127.0.0.1:1\/n: .*ECONNREFUSED/,
  ],
  [
    'PostgreSQL that is not there',
    'postgresql+psycopg2://u:secret@127.0.0.1:1/n',
    {},
    DatabaseUnavailable,
    /@127.0.0.1:1\/n: .*ECONNREFUSED/,
  ],
  ['a character set that holds less', 'mysql://u:secret@h/n?charset=latin1', {}, DatabaseError, /charset=latin1/],
  ['an option that PyMySQL does not have', 'mysql://u:secret@h/n?ssl_mode=x', {}, DatabaseError, /option ssl_mode/],
  ['an authority that is not there', 'mysql://u:secret@h/n?ssl_ca=/none.pem', {}, DatabaseError, /ssl_ca=\/none.pem cannot be read/],
  ['several hosts', 'postgresql://u:secret@/n?host=a,b', {}, DatabaseError, /several hosts/],
  ['an sslmode that libpq does not have', 'postgresql://u:secret@h/n?sslmode=yes', {}, DatabaseError, /sslmode=yes; one of disable/],
  ['nothing', '', {}, Error, /not a connection string/],
]
for (const [what, url, options, kind, message] of refused)
  test(`${what} is refused`, async () => {
    const error = await openDatabase(url, { schema, ...options }).catch((thrown: unknown) => thrown as Error)
    expect(error).toBeInstanceOf(kind)
    expect((error as Error).message).toMatch(message)
    expect((error as Error).message).not.toContain('secret')
  })
