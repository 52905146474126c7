/** `nova-ts db sync` on both engines: what the servers then say of the tables is what nova-manage of Nova 33.0.2 leaves. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { beside, engines, newDatabase } from './engines.ts'

interface Facts {
  readonly shadowOf?: string
  readonly columns?: Record<string, readonly string[]>
  readonly unique?: Record<string, unknown>
  readonly uniqueIndexes?: Record<string, unknown>
  readonly indexes?: Record<string, unknown>
}

/** Columns as `type` or `type not null`, and what is unique, by table. */
type Tables = Record<string, { columns: Record<string, string>; indexes: string[] }>

const statements = {
  mysql: {
    columns: `SELECT table_name AS t, column_name AS c, LOWER(column_type) AS type, is_nullable AS nullable FROM information_schema.columns
      WHERE table_schema = database()`,
    indexes: `SELECT DISTINCT table_name AS t, index_name AS i FROM information_schema.statistics WHERE table_schema = database()`,
  },
  postgresql: {
    columns: `SELECT r.relname AS t, a.attname AS c, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable
      FROM pg_attribute a JOIN pg_class r ON r.oid = a.attrelid JOIN pg_namespace n ON n.oid = r.relnamespace
      WHERE r.relkind = 'r' AND n.nspname = 'public' AND a.attnum > 0 AND NOT a.attisdropped`,
    indexes: `SELECT tablename AS t, indexname AS i FROM pg_indexes WHERE schemaname = 'public'`,
  },
}

async function run(env: Record<string, string>, ...argv: string[]) {
  let out = ''
  const status = await main(['db', ...argv, '--config-file', '/dev/null'], {
    out: (text) => (out += text),
    err: (text) => (out += text),
    env,
    self: ['node'],
  })
  return { status, out }
}

function facts(name: string): Record<string, Facts> {
  return JSON.parse(readFileSync(new URL(`../upstream/facts/db-${name}.json`, import.meta.url), 'utf8'))
}

function expected(name: string, engine: 'mysql' | 'postgresql'): Tables {
  const held = facts(name)
  const place = engine === 'mysql' ? 1 : 2
  return Object.fromEntries(
    Object.entries(held).map(([table, fact]) => {
      const columns = { ...(fact.shadowOf && held[fact.shadowOf]!.columns), ...fact.columns }
      const said = (parts: readonly string[]) =>
        `${parts[place]!.replace(/ collate .*/, '')}${parts.includes('not null') ? ' not null' : ''}`
      // PostgreSQL cuts names
      const indexes = fact.shadowOf
        ? []
        : Object.keys({ ...fact.unique, ...fact.uniqueIndexes, ...fact.indexes }).map((each) => each.slice(0, 63))
      return [table, { columns: Object.fromEntries(Object.entries(columns).map(([column, parts]) => [column, said(parts)])), indexes }]
    }),
  )
}

async function found(url: string, engine: 'mysql' | 'postgresql'): Promise<Tables> {
  const other = await beside(url)
  const tables: Tables = {}
  for (const row of await other.ask(statements[engine].columns)) {
    const { t, c, type, nullable } = row as Record<'t' | 'c' | 'type', string> & { nullable: unknown }
    tables[t] ??= { columns: {}, indexes: [] }
    tables[t].columns[c] = `${type}${nullable === true || nullable === 'YES' ? '' : ' not null'}`
  }
  for (const { t, i } of await other.ask(statements[engine].indexes)) tables[String(t)]!.indexes.push(String(i).slice(0, 63))
  await other.close()
  return tables
}

for (const engine of engines)
  describe(engine.name, () => {
    test('sync makes the tables once; their server sees what nova-manage makes', async () => {
      const urls = { api: await newDatabase(engine), cell: await newDatabase(engine) }
      const env = { OS_API_DATABASE__CONNECTION: urls.api, OS_DATABASE__CONNECTION: urls.cell }
      expect(await run(env, 'version')).toMatchObject({ status: 1, out: expect.stringMatching(/no tables +cdeec0c85668 is needed/) })
      expect(await run(env, 'sync')).toMatchObject({ status: 0, out: expect.stringMatching(/cdeec0c85668 +made.*\n.*2903cd72dc14 +made/) })
      expect(await run(env, 'sync')).toMatchObject({ status: 0, out: expect.stringMatching(/was there.*\n.*was there/) })
      expect((await run(env, 'version')).status).toBe(0)
      for (const name of ['api', 'cell'] as const) {
        const [made, wanted] = [await found(urls[name], engine.name), expected(name, engine.name)]
        expect(Object.keys(made).sort()).toEqual(Object.keys(wanted).sort())
        for (const [table, { columns, indexes }] of Object.entries(wanted)) {
          expect([table, made[table]!.columns]).toEqual([table, columns])
          expect([table, indexes.filter((each) => !made[table]!.indexes.includes(each))]).toEqual([table, []])
        }
      }
    })

    test('a database with tables but no revision is left alone', async () => {
      const url = await newDatabase(engine)
      const other = await beside(url)
      await other.ask('CREATE TABLE mine (id integer)')
      await other.close()
      const { status, out } = await run({ OS_API_DATABASE__CONNECTION: url }, 'sync', '--api')
      expect([status, out]).toEqual([1, expect.stringMatching(/no revision, yet it has tables: mine/)])
      expect(Object.keys(await found(url, engine.name))).toEqual(['mine'])
    })
  })
