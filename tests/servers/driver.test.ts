/** What stores expect of a database, on MariaDB and PostgreSQL; `src/oslo/database/database.test.ts` asks the same of SQLite. */
import { setTimeout as pause } from 'node:timers/promises'
import { sql } from 'kysely'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { type Database, openDatabase, type Writing } from '../../src/oslo/database/database.ts'
import { fromDateTime, toDateTime } from '../../src/oslo/database/datetime.ts'
import { createStatements } from '../../src/oslo/database/ddl.ts'
import { DatabaseBusy, DatabaseError, DatabaseUnavailable, DuplicateKey, ForeignKeyViolated } from '../../src/oslo/database/errors.ts'
import { type ConnectionSettings, defaultConnectionSettings } from '../../src/oslo/database/options.ts'
import {
  address,
  bigint,
  boolean,
  choice,
  datetime,
  id,
  integer,
  type Schema,
  string,
  type TablesOf,
  table,
  text,
} from '../../src/oslo/database/schema.ts'
import { parsedAt } from '../../src/stores/parsed.ts'
import { until } from '../support/until.ts'
import { beside, cutOthers, engines, newDatabase } from './engines.ts'

const schema = {
  teams: table({ id: id(), name: string(20), uuid: string(36) }, { uniqueIndexes: { teams_uuid_idx: ['uuid'] } }),
  people: table(
    {
      id: id(),
      name: string(20).required(),
      member: boolean(),
      team_id: integer(),
      born: datetime(),
      large: bigint(),
      kind: choice('people0kind', ['owner', 'admin']),
      notes: text(),
      place: address(39),
    },
    { unique: { uniq_people0team0name: ['team_id', 'name'] }, foreignKeys: [['team_id', 'teams.id']] },
  ),
  pairs: table({ id: id(), owner: string(36), key: string(255), value: string(255) }),
} satisfies Schema
type Tables = TablesOf<typeof schema>
type Person = Partial<Record<'member' | 'team_id' | 'id' | 'born' | 'large' | 'kind' | 'notes' | 'place', never>> | Record<string, unknown>

const add = (tx: Writing<Tables>, name: string, more: Person = {}) =>
  tx
    .insertInto('people')
    .values({ name, ...more })
    .executeTakeFirstOrThrow()

for (const engine of engines)
  describe(engine.name, () => {
    const url = newDatabase(engine).then(async (made) => {
      const database = await openDatabase(made, { schema })
      await database.write(async (tx) => {
        for (const statement of createStatements(schema, engine.name)) await sql.raw(statement).execute(tx)
      })
      await database.close()
      return made
    })
    const opened: Database<Tables>[] = []
    const open = async (
      settings: Partial<ConnectionSettings> = {},
      more: { busySeconds?: number; query?: string; readFrom?: string } = {},
    ) => {
      const { query = '', ...options } = more
      const database = await openDatabase(`${await url}${query}`, {
        schema,
        settings: { ...defaultConnectionSettings, ...settings },
        ...options,
      })
      opened.push(database)
      return database
    }
    const names = async (database: Database<Tables>) =>
      (await database.read((tx) => tx.selectFrom('people').select('name').orderBy('id').execute())).map((row) => row.name)

    beforeEach(async () => {
      const database = await open()
      await database.write(async (tx) => {
        for (const name of ['people', 'teams', 'pairs'] as const) await tx.deleteFrom(name).execute()
      })
    })
    afterAll(async () => {
      for (const database of opened) await database.close()
    })

    test('what is written is read: numbers, booleans, choices, addresses, every character', async () => {
      const database = await open()
      const { insertId } = await database.write((tx) =>
        add(tx, 'ann', { member: true, large: 2 ** 53 - 1, kind: 'owner', notes: 'it\'s \\ "1" ünï', place: '10.0.0.7' }),
      )
      await database.write((tx) => add(tx, 'bob', { member: false, place: 'fd00::7' }))
      await database.write((tx) => add(tx, 'cid'))
      const rows = await database.read((tx) => tx.selectFrom('people').selectAll().orderBy('id').execute())
      expect(insertId).toBe(BigInt(rows[0]!.id))
      expect(rows.map(({ member }) => member && Boolean(member))).toEqual([true, engine.name === 'mysql' ? 0 : false, null])
      expect(rows[0]).toMatchObject({ large: 2 ** 53 - 1, kind: 'owner', notes: 'it\'s \\ "1" ünï', place: '10.0.0.7' })
      expect(rows[1]).toMatchObject({ large: null, place: 'fd00::7' })
      expect(await database.rows('SELECT name FROM people WHERE member = ? AND name <> ?', [false, 'x'])).toEqual([{ name: 'bob' }])
      const sums = await database.rows('SELECT COUNT(*) AS n, SUM(large) AS total, AVG(large) AS half FROM people WHERE name = ?', ['ann'])
      expect(sums).toEqual([{ n: 1, total: 2 ** 53 - 1, half: 2 ** 53 - 1 }])
      const { numUpdatedRows } = await database.write((tx) => tx.updateTable('people').set({ member: true }).executeTakeFirst())
      // Those that were so already count too
      expect(numUpdatedRows).toBe(3n)
      const { numDeletedRows } = await database.write((tx) => tx.deleteFrom('people').where('name', 'in', ['bob', 'x']).executeTakeFirst())
      expect(numDeletedRows).toBe(1n)
      expect(await database.integrity()).toEqual([])
    })

    test('times are those that were written, whatever the zone of anybody', async () => {
      const database = await open()
      const at = Date.UTC(2026, 2, 29, 1, 30, 15, 250)
      await database.write((tx) => add(tx, 'ann', { born: toDateTime(at) }))
      const [row] = await database.rows<{ born: string }>('SELECT born FROM people WHERE born <= ? AND born >= ?', [
        toDateTime(at),
        toDateTime(at - 1000),
      ])
      expect(row!.born).toMatch(/^2026-03-29 01:30:15(\.25)?$/)
      expect(Math.floor(fromDateTime(row!.born) / 1000)).toBe(Math.floor(at / 1000))
    })

    test('characters beyond the first plane, where the table takes them', async () => {
      const database = await open({}, engine.name === 'mysql' ? { query: '?charset=utf8mb4' } : {})
      if (engine.name === 'mysql') await database.write((tx) => sql`ALTER TABLE pairs CONVERT TO CHARACTER SET utf8mb4`.execute(tx))
      await database.write((tx) => tx.insertInto('pairs').values({ owner: 'a', key: '🐢', value: '𝒳' }).execute())
      expect(await database.rows('SELECT value FROM pairs WHERE owner = ?', ['a'])).toEqual([{ value: '𝒳' }])
    })

    test.runIf(engine.name === 'mysql')('what is sent has the character set of the URL, what comes is always read as utf8mb4', async () => {
      const spoken = async (query: string) =>
        (await open({}, { query })).rows(
          'SELECT @@character_set_client AS sent, @@character_set_connection AS taken, @@character_set_results AS told',
        )
      // told as utf8mb3, pages of servers took eight times as long to read
      expect(await spoken('')).toEqual([
        { sent: expect.stringMatching(/^utf8(mb3)?$/), taken: expect.stringMatching(/^utf8(mb3)?$/), told: 'utf8mb4' },
      ])
      expect(await spoken('?charset=utf8mb4')).toEqual([{ sent: 'utf8mb4', taken: 'utf8mb4', told: 'utf8mb4' }])
    })

    test.runIf(engine.name === 'mysql')(
      'what is sent is UTF-8 with all its bytes, as PyMySQL sends it, and not the CESU-8 of mysql2',
      async () => {
        for (const query of ['', '?charset=utf8mb4'])
          expect(await (await open({}, { query })).rows("SELECT HEX('é🐢') AS bytes")).toEqual([{ bytes: 'C3A9F09F90A2' }])
      },
    )

    test('characters beyond the first plane may be looked for where the table takes none', async () => {
      const database = await open()
      if (engine.name === 'mysql') await database.write((tx) => sql`ALTER TABLE pairs CONVERT TO CHARACTER SET utf8`.execute(tx))
      expect(await database.rows('SELECT value FROM pairs WHERE owner = ?', ['🐢'])).toEqual([])
    })

    test('pairs are gathered into one object by the database', async () => {
      const database = await open()
      const rows = [
        { owner: 'a', key: 'k', value: 'v' },
        { owner: 'a', key: 'q"uote', value: null },
        { owner: 'b', key: 'é', value: '\\n' },
      ]
      await database.write((tx) => tx.insertInto('pairs').values(rows).execute())
      const found = await database.rows<{ owner: string; pairs: string }>(
        `SELECT owner, ${database.fragments.objectOf('key', 'value')} AS pairs FROM pairs GROUP BY owner ORDER BY owner`,
      )
      expect(found.map(({ owner, pairs }) => [owner, JSON.parse(pairs)])).toEqual([
        ['a', { k: 'v', 'q"uote': null }],
        ['b', { é: '\\n' }],
      ])
    })

    test('rows are gathered into one list by the database', async () => {
      const database = await open()
      const rows = ['c', 'a', 'b'].map((key) => ({ owner: 'a', key, value: key === 'b' ? null : `"${key}"` }))
      await database.write((tx) => tx.insertInto('pairs').values(rows).execute())
      const sql = `SELECT ${database.fragments.listOf(['owner', 'value'])} AS list FROM pairs WHERE owner = ?`
      const listOf = async (owner: string) => JSON.parse((await database.rows<{ list: string | null }>(sql, [owner]))[0]!.list ?? '[]')
      expect((await listOf('a')).map((each: unknown[]) => each.join()).sort()).toEqual(['a,', 'a,"a"', 'a,"c"'])
      expect(await listOf('nobody')).toEqual([])
    })

    test('the database looks into texts of JSON', async () => {
      const database = await open()
      const value = JSON.stringify({ 'a.b': { hints: { group: ['"x"'] }, zone: 'é', nothing: null } })
      await database.write((tx) => tx.insertInto('pairs').values({ owner: 'a', key: 'k', value }).execute())
      const columns = ['hints', 'zone', 'nothing', 'absent'].map(
        (name) => `${database.fragments.jsonAt('value', ['a.b', name])} AS ${name}`,
      )
      const [found] = await database.rows<Record<string, string | null>>(`SELECT ${columns.join(', ')} FROM pairs`)
      expect(Object.entries(found!).map(([name, text]) => [name, text === null ? 'none' : JSON.parse(text)])).toEqual([
        ['hints', { group: ['"x"'] }],
        ['zone', 'é'],
        ['nothing', null],
        ['absent', 'none'],
      ])
    })

    test('what its functions of JSON do not take is found all the same', async () => {
      const database = await open()
      const odd = ['a zero: \0', 'half: \ud800', 'other half: \udc00', 'é', '🐢', '\\u0000 \\ud800', '\\\\']
      const path = ['a.b', 'odd']
      const escaped = (text: string) => text.replace(/[\u007f-\uffff]/g, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
      for (const odds of odd) {
        const text = escaped(JSON.stringify({ 'a.b': { odd: [odds], nothing: null }, [odds]: odds }))
        await database.write((tx) => tx.deleteFrom('pairs').execute())
        await database.write((tx) => tx.insertInto('pairs').values({ owner: 'a', key: 'k', value: text }).execute())
        const at = async (keys: readonly string[]) => {
          const [row] = await database.rows<{ found: string | null }>(
            `SELECT ${database.fragments.jsonAt('value', keys)} AS found FROM pairs`,
          )
          return parsedAt(row!.found, keys)
        }
        expect(await at(path)).toEqual([odds])
        for (const absent of [
          ['a.b', 'nothing'],
          ['a.b', 'absent'],
          ['absent', 'odd'],
        ])
          expect(await at(absent)).toBeNull()
      }
    })

    test('a regular expression finds a name anywhere', async () => {
      const database = await open()
      for (const name of ['web-1', 'web-2', 'db']) await database.write((tx) => add(tx, name))
      const { matches, pattern } = database.fragments
      const found = (text: string) =>
        database.rows<{ name: string }>(`SELECT name FROM people WHERE name ${matches} ? ORDER BY name`, [pattern(text)])
      expect((await found('eb-[12]')).map(({ name }) => name)).toEqual(['web-1', 'web-2'])
      expect((await found('^d')).map(({ name }) => name)).toEqual(['db'])
    })

    test('a write that throws leaves nothing', async () => {
      const database = await open()
      const failed = database.write(async (tx) => {
        await add(tx, 'ann')
        throw new Error('no')
      })
      await expect(failed).rejects.toThrow('no')
      expect(await names(database)).toEqual([])
    })

    test('keys that are taken are told with constraint and columns; foreign keys hold', async () => {
      const database = await open()
      const team = Number((await database.write((tx) => tx.insertInto('teams').values({ uuid: 'u' }).executeTakeFirstOrThrow())).insertId)
      await database.write((tx) => add(tx, 'ann', { team_id: team }))
      await database.write((tx) => add(tx, 'bob', { team_id: team }))
      const cases: [(tx: Writing<Tables>) => Promise<unknown>, Partial<DuplicateKey>][] = [
        [(tx) => add(tx, 'ann', { team_id: team }), { table: 'people', constraint: 'uniq_people0team0name', columns: ['team_id', 'name'] }],
        [(tx) => tx.insertInto('teams').values({ id: team }).execute(), { table: 'teams', constraint: null, columns: ['id'] }],
        [
          (tx) => tx.insertInto('teams').values({ uuid: 'u' }).execute(),
          { table: 'teams', constraint: 'teams_uuid_idx', columns: ['uuid'] },
        ],
        [
          (tx) => tx.updateTable('people').set({ name: 'ann' }).where('name', '=', 'bob').execute(),
          { table: 'people', constraint: 'uniq_people0team0name' },
        ],
      ]
      for (const [work, expected] of cases) {
        const error = await database.write(work).catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(DuplicateKey)
        expect(error).toMatchObject(expected)
      }
      await expect(database.write((tx) => add(tx, 'x', { team_id: team + 1000 }))).rejects.toThrow(ForeignKeyViolated)
      await expect(database.write((tx) => tx.deleteFrom('teams').execute())).rejects.toThrow(ForeignKeyViolated)
    })

    test('a read must not write, and statements are counted', async () => {
      const database = await open()
      const before = database.statements
      await expect(database.read((tx) => tx.insertInto('people').values({ name: 'x' }).execute())).rejects.toThrow('a read must not write')
      await expect(database.rows("INSERT INTO people (name) VALUES ('x')")).rejects.toThrow('a read must not write')
      await expect(database.read((tx) => tx.transaction().execute(async () => {}))).rejects.toThrow('use write')
      expect(database.statements).toBe(before)
      await database.write(async (tx) => {
        await add(tx, 'ann')
        await add(tx, 'bob')
      })
      await names(database)
      await database.rows('SELECT 1')
      expect(database.statements - before).toBe(4)
      await expect(database.rows('SELECT missing FROM people')).rejects.toThrow(/missing/)
    })

    test('texts that look like SQL are texts', async () => {
      const database = await open()
      for (const name of ["'; --", '\\', '?', '$1', "\\'; --"]) {
        await database.write((tx) => add(tx, name))
        expect(await database.rows('SELECT name FROM people WHERE name = ?', [name])).toEqual([{ name }])
        expect(await database.read((tx) => tx.selectFrom('people').select('name').where('name', '=', name).execute())).toEqual([{ name }])
      }
      if (engine.name === 'mysql')
        await expect(open({ mysqlSqlMode: 'TRADITIONAL,NO_BACKSLASH_ESCAPES' })).rejects.toThrow('NO_BACKSLASH_ESCAPES')
    })

    test('two transactions in each other’s way both happen', async () => {
      const database = await open()
      const ids = await database.write(async (tx) => {
        const made = [await add(tx, 'ann', { large: 0 }), await add(tx, 'bob', { large: 0 })]
        return made.map(({ insertId }) => Number(insertId))
      })
      let runs = 0
      let together!: () => void
      const both = new Promise<void>((resolve) => (together = resolve))
      const raise = (tx: Writing<Tables>, which: number) =>
        tx.updateTable('people').set({ large: sql<number>`large + 1` }).where('id', '=', which).execute()
      const transfer = (first: number, second: number) =>
        database.write(async (tx) => {
          runs++
          await raise(tx, first)
          // The first time each waits until both have locked a row
          if (runs === 2) together()
          if (runs <= 2) await both
          await raise(tx, second)
        })
      await Promise.all([transfer(ids[0]!, ids[1]!), transfer(ids[1]!, ids[0]!)])
      expect(runs).toBeGreaterThan(2)
      expect(await database.rows('SELECT large FROM people')).toEqual([{ large: 2 }, { large: 2 }])
    })

    test('a lock that does not come free is DatabaseBusy in bounded time', async () => {
      const database = await open({ dbMaxRetries: 1 }, { busySeconds: 1 })
      await database.write((tx) => add(tx, 'ann'))
      const other = await beside(await url)
      await other.ask('BEGIN')
      await other.ask("UPDATE people SET large = 1 WHERE name = 'ann'")
      const start = performance.now()
      const blocked = database.write(async (tx) => {
        await (engine.name === 'mysql' ? sql`SET SESSION innodb_lock_wait_timeout = 1` : sql`SET LOCAL lock_timeout = 500`).execute(tx)
        await tx.updateTable('people').set({ large: 2 }).execute()
      })
      await expect(blocked).rejects.toThrow(DatabaseBusy)
      expect(performance.now() - start).toBeLessThan(8000)
      await other.ask('ROLLBACK')
      await other.close()
    })

    test('connections that were cut while nobody used them are replaced without a word', async () => {
      const database = await open()
      await Promise.all([1, 2, 3].map(() => database.rows('SELECT 1')))
      expect(await cutOthers(await url)).toBeGreaterThan(0)
      for (let i = 0; i < 5; i++) expect(await database.rows('SELECT 1 AS one')).toEqual([{ one: 1 }])
      await cutOthers(await url)
      await database.write((tx) => add(tx, 'ann'))
      expect(await names(database)).toEqual(['ann'])
    })

    test('a transaction whose connection is cut runs again, once in effect', async () => {
      const database = await open()
      let runs = 0
      await database.write(async (tx) => {
        await add(tx, `run ${++runs}`)
        if (runs === 1) await cutOthers(await url)
        await add(tx, 'after')
      })
      expect(runs).toBe(2)
      expect(await names(database)).toEqual(['run 2', 'after'])
    })

    test('a read whose connection is cut is asked again', async () => {
      const database = await open()
      const wait = engine.name === 'mysql' ? 'SELECT SLEEP(0.6) AS done' : 'SELECT 0 AS done FROM (SELECT pg_sleep(0.6)) s'
      const slow = database.rows(wait)
      await pause(200)
      await cutOthers(await url)
      expect(await slow).toEqual([{ done: 0 }])
    })

    test('the pool ends where it is told to', async () => {
      const database = await open({ maxPoolSize: 1, maxOverflow: 1, poolTimeout: 1 })
      const release: (() => void)[] = []
      const held = [1, 2].map(() => database.write(() => new Promise<void>((resolve) => release.push(resolve))))
      await until('both are held', () => release.length === 2)
      await expect(database.rows('SELECT 1')).rejects.toThrow(/none of 2 connections came free within 1 s/)
      const waiting = database.rows('SELECT 1')
      for (const done of release) done()
      await Promise.all([...held, waiting])
    })

    test('old connections are replaced', async () => {
      const database = await open({ connectionRecycleTime: 0 })
      const own = async () =>
        JSON.stringify(await database.rows(engine.name === 'mysql' ? 'SELECT connection_id() AS id' : 'SELECT pg_backend_pid() AS id'))
      const first = await own()
      await pause(20)
      expect(await own()).not.toBe(first)
    })

    if (engine.name === 'mysql')
      test('a statement that takes too long is cut off', async () => {
        const database = await open({}, { query: '?read_timeout=1&charset=utf8mb4' })
        const start = performance.now()
        await expect(database.rows('SELECT SLEEP(30)')).rejects.toThrow(/no answer in 1 s/)
        expect(performance.now() - start).toBeLessThan(10_000)
        expect(await database.rows('SELECT 1 AS one')).toEqual([{ one: 1 }])
      })

    if (engine.name === 'mysql')
      test('sessions are as oslo.db makes them', async () => {
        const mode = async (settings: Partial<ConnectionSettings>) =>
          (await (await open(settings)).rows<{ mode: string }>('SELECT @@sql_mode AS mode'))[0]!.mode
        expect(await mode({})).toContain('TRADITIONAL')
        expect(await mode({ mysqlSqlMode: 'ANSI' })).toContain('ANSI')
        expect(await mode({ mysqlSqlMode: '' })).toBe('')
        const database = await open({}, { query: '?init_command=SET+SESSION+wait_timeout%3D77' })
        expect(await database.rows('SELECT @@wait_timeout AS seconds')).toEqual([{ seconds: 77 }])
      })

    if (engine.name === 'postgresql')
      test('sessions give times in one style and compile nothing', async () => {
        const database = await open({}, { query: '?options=-c%20datestyle%3DSQL' })
        expect(await database.rows('SHOW datestyle')).toEqual([{ DateStyle: expect.stringMatching(/^ISO/) }])
        expect(await database.rows('SHOW jit')).toEqual([{ jit: 'off' }])
      })

    test('a database that is none is told as one that may come', async () => {
      await expect(openDatabase(`${engine.server}none_such`, { schema })).rejects.toThrow(DatabaseUnavailable)
    })

    test('a wrong password is told for good, and not shown', async () => {
      const error = await openDatabase((await url).replace(':secret@', ':wrong@'), { schema }).catch((thrown: unknown) => thrown as Error)
      expect(error).toMatchObject({ message: expect.stringMatching(/Access denied|password authentication failed/) })
      expect((error as Error).message).not.toContain('wrong')
      expect(error).toBeInstanceOf(DatabaseError)
      expect(error).not.toBeInstanceOf(DatabaseUnavailable)
    })

    test('reads go to a copy when there is one, and to the database while the copy is away', async () => {
      const other = await newDatabase(engine)
      const empty = await openDatabase(other, { schema })
      await empty.write(async (tx) => {
        for (const statement of createStatements(schema, engine.name)) await sql.raw(statement).execute(tx)
        await add(tx as never, 'copy')
      })
      await empty.close()
      const database = await open({}, { readFrom: other })
      await database.write((tx) => add(tx, 'own'))
      expect(await names(database)).toEqual(['copy'])
      const away = await open({}, { readFrom: other.replace(/:\d+\//, ':1/') })
      expect(await names(away)).toEqual(['own'])
    })

    test('close waits for a write, and then everything is unavailable', async () => {
      const database = await open()
      const writing = database.write(async (tx) => {
        await pause(30)
        await add(tx, 'ann')
      })
      await pause(10)
      await database.close()
      await writing
      await expect(database.rows('SELECT 1')).rejects.toThrow(DatabaseUnavailable)
      await expect(database.write((tx) => add(tx, 'x'))).rejects.toThrow(DatabaseUnavailable)
    })
  })
