/** Our tables against those that nova-manage of Nova 33.0.2 made in SQLite, MariaDB and PostgreSQL (`facts/db-*.json`). */
import { readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/oslo/database/database.ts'
import { createStatements } from '../../src/oslo/database/ddl.ts'
import { initial, type Schema } from '../../src/oslo/database/schema.ts'
import type { Engine } from '../../src/oslo/database/url.ts'
import { apiSchema } from '../../src/stores/api/schema.ts'
import { cellSchema } from '../../src/stores/cell/schema.ts'

type Indexes = Record<string, string[]>

/** A column is its type in SQLite, MariaDB and PostgreSQL, then what else is said of it. */
interface TableFacts {
  columns: Record<string, string[]>
  primaryKey: string[]
  primaryKeyName?: string
  unique?: Indexes
  uniqueIndexes?: Indexes
  indexes?: Indexes
  foreignKeys?: { column: string; target: string; sqlite: string | null; mysql: string }[]
  /** What MariaDB has otherwise; without `collation` it is the server's for utf8. */
  mysql?: { collation?: string; indexes?: Indexes }
}

/** A shadow table has the columns and the primary key of its table, and nothing else but `columns`. */
interface ShadowFacts {
  shadowOf: string
  columns?: Record<string, string[]>
}

/** A table as our statements make it, in the words of the facts. */
interface Made {
  columns: Record<string, string[]>
  primaryKey: string[]
  primaryKeyName: string | undefined
  unique: Indexes
  uniqueIndexes: Indexes
  indexes: Indexes
  foreignKeys: { column: string; target: string; name: string | undefined }[]
  options: string
}

const databases: [name: string, schema: Schema, count: number][] = [
  ['api', apiSchema, 32],
  ['cell', cellSchema, 111],
]
for (const [name, schema, count] of databases) {
  const facts = readFacts(name)
  const made = { sqlite: read(schema, 'sqlite'), mysql: read(schema, 'mysql'), postgresql: read(schema, 'postgresql') }

  test(`${name}: the same ${count} tables`, () => {
    expect(Object.keys(facts)).toHaveLength(count)
    for (const tables of Object.values(made)) expect([...tables.keys()].sort()).toEqual(Object.keys(facts).sort())
  })

  for (const [table, fact] of Object.entries(facts)) {
    test(`${name}: ${table} in SQLite`, () => expect(made.sqlite.get(table)).toEqual(expectedIn('sqlite', fact)))
    test(`${name}: ${table} in PostgreSQL`, () => expect(made.postgresql.get(table)).toEqual(expectedIn('postgresql', fact)))
    test(`${name}: ${table} in MariaDB`, () => {
      const { foreignKeys, indexes, ...found } = made.mysql.get(table)!
      const expected = expectedIn('mysql', fact)
      expect({ ...found, foreignKeys: [], indexes: {} }).toEqual({ ...expected, foreignKeys: [], indexes: {} })
      const keys = named(foreignKeys, table)
      expect(keys).toEqual((fact.foreignKeys ?? []).map(({ column, target, mysql }) => ({ column, target, name: mysql })))
      const implied = foreignKeys.map((key) => [key.name ?? key.column, [key.column]])
      const needed = Object.entries(expected.indexes).filter(([index]) => index in indexes || !implied.some(([own]) => own === index))
      expect(indexes).toEqual(Object.fromEntries(needed))
    })
  }

  test(`${name}: the same values that only Nova's models fill in`, () => {
    const tables = Object.keys(schema).filter((table) => !table.startsWith('shadow_'))
    const filled = tables.map((table) => [table, initial(schema[table]!)] as const).filter(([, values]) => Object.keys(values).length > 0)
    expect(Object.fromEntries(filled)).toEqual(json('db-initial')[name])
  })

  test(`${name}: SQLite itself sees what the statements say`, async () => {
    const database = await openDatabase('sqlite://', { schema })
    await database.write(async (tx) => {
      for (const statement of createStatements(schema, 'sqlite')) await sql.raw(statement).execute(tx)
    })
    const columns = await database.rows<{ t: string; name: string; type: string; required: number }>(
      'SELECT m.name AS t, c.name, c.type, c."notnull" AS required FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = ?',
      ['table'],
    )
    expect(new Set(columns.map(({ t }) => t)).size).toBe(count)
    for (const { t, name, type, required } of columns) {
      const [expected, , , ...said] = facts[t]!.columns[name]!
      expect([t, name, type, required]).toEqual([t, name, expected, Number(said.includes('not null'))])
    }
    const indexes = await database.rows<{ tbl_name: string; name: string }>(
      "SELECT tbl_name, name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    )
    const wanted = Object.entries(facts).flatMap(([t, { indexes, uniqueIndexes }]) =>
      Object.keys({ ...indexes, ...uniqueIndexes }).map((index) => `${t}.${index}`),
    )
    expect(indexes.map((index) => `${index.tbl_name}.${index.name}`).sort()).toEqual(wanted.sort())
    await database.close()
  })
}

function json(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`facts/${name}.json`, import.meta.url), 'utf8'))
}

function readFacts(name: string): Record<string, TableFacts> {
  const held = json(`db-${name}`) as Record<string, TableFacts | ShadowFacts>
  const full = (fact: TableFacts | ShadowFacts): TableFacts => {
    if (!('shadowOf' in fact)) return fact
    const { columns, primaryKey, mysql } = held[fact.shadowOf] as TableFacts
    const collation = mysql?.collation
    return { columns: { ...columns, ...fact.columns }, primaryKey, ...(collation && { mysql: { collation } }) }
  }
  return Object.fromEntries(Object.entries(held).map(([table, fact]) => [table, full(fact)]))
}

/** What the facts say of a table in one engine. PostgreSQL's foreign keys have no names of their own. */
function expectedIn(engine: Engine, fact: TableFacts): Made {
  const place = { sqlite: 0, mysql: 1, postgresql: 2 }[engine]
  const columns = Object.entries(fact.columns).map(([column, parts]) => [column, [parts[place]!, ...parts.slice(3)]])
  const { collation } = fact.mysql ?? {}
  const options = collation === 'latin1_swedish_ci' ? 'latin1' : collation === 'utf8mb3_bin' ? 'utf8 COLLATE=utf8_bin' : 'utf8'
  return {
    columns: Object.fromEntries(columns),
    primaryKey: fact.primaryKey,
    primaryKeyName: fact.primaryKeyName,
    unique: fact.unique ?? {},
    uniqueIndexes: fact.uniqueIndexes ?? {},
    indexes: { ...fact.indexes, ...(engine === 'mysql' && fact.mysql?.indexes) },
    foreignKeys: (fact.foreignKeys ?? []).map(({ column, target, sqlite }) => ({
      column,
      target,
      name: engine === 'sqlite' ? (sqlite ?? undefined) : undefined,
    })),
    options: engine === 'mysql' ? ` ENGINE=InnoDB DEFAULT CHARSET=${options}` : '',
  }
}

/** Reads our own statements. */
function read(schema: Schema, engine: Engine): Map<string, Made> {
  const tables = new Map<string, Made>()
  for (const raw of createStatements(schema, engine)) {
    const statement = raw.replace(/["`]/g, '')
    const create = /^CREATE TABLE (\w+) \(\n(.*)\n\)(.*)$/s.exec(statement)
    if (create) tables.set(create[1]!, readTable(create[2]!.split(',\n'), create[3]!, engine))
    const [, unique, index, table, columns] = /^CREATE (UNIQUE )?INDEX (\w+) ON (\w+) \((.*)\)$/.exec(statement) ?? []
    if (index) tables.get(table!)![unique ? 'uniqueIndexes' : 'indexes'][index] = columns!.split(', ')
  }
  return tables
}

function readTable(lines: string[], options: string, engine: Engine): Made {
  const made: Made = {
    columns: {},
    primaryKey: [],
    primaryKeyName: undefined,
    unique: {},
    uniqueIndexes: {},
    indexes: {},
    foreignKeys: [],
    options,
  }
  for (const line of lines.map((each) => each.trim())) {
    const [, name, kind, list, target, to] =
      /^(?:CONSTRAINT (\w+) )?(PRIMARY KEY|UNIQUE|FOREIGN KEY) ?\(([^)]*)\)(?: REFERENCES (\w+) \((\w+)\))?$/.exec(line) ?? []
    if (kind === 'PRIMARY KEY') Object.assign(made, { primaryKey: list!.split(', '), primaryKeyName: name })
    else if (kind === 'UNIQUE') made.unique[name!] = list!.split(', ')
    else if (kind === 'FOREIGN KEY') made.foreignKeys.push({ column: list!, target: `${target}.${to}`, name })
    else {
      const [, column, said] = /^(\w+) (.*)$/.exec(line)!
      made.columns[column!] = readColumn(said!, engine)
    }
  }
  const [key] = made.primaryKey
  // SQLite counts up what is the whole key and an integer; the others say so.
  if (engine === 'sqlite' && made.primaryKey.length === 1 && made.columns[key!]![0] === 'INTEGER') made.columns[key!]!.push('auto')
  return made
}

/** Our spelling of a type to the facts'. */
function spelled(engine: Engine, type: string): string {
  if (engine === 'sqlite') return type
  const lower = type.toLowerCase().replaceAll(', ', ',')
  if (engine === 'postgresql')
    return lower
      .replace(/^serial$/, 'integer')
      .replace(/^bigserial$/, 'bigint')
      .replace(/^varchar/, 'character varying')
  return lower
    .replace(/^integer$/, 'int(11)')
    .replace(/^bigint$/, 'bigint(20)')
    .replace(/^bool$/, 'tinyint(1)')
    .replace(' character set utf8 collate utf8_bin', ' collate utf8mb3_bin')
    .replace(' character set utf8', ' collate utf8mb3_uca1400_ai_ci')
}

function readColumn(said: string, engine: Engine): string[] {
  const [, type, auto, initial, required] = /^(.*?)( AUTO_INCREMENT)?(?: DEFAULT (\S+))?( NOT NULL)?$/.exec(said)!
  return [
    spelled(engine, type!),
    ...(required ? ['not null'] : []),
    ...(auto || /SERIAL$/.test(type!) ? ['auto'] : []),
    ...(initial ? [`default ${initial}`] : []),
  ]
}

/** Names that MariaDB gives to foreign keys without one. */
function named(keys: Made['foreignKeys'], table: string): Made['foreignKeys'] {
  let count = 0
  return keys.map((key) => ({ ...key, name: key.name ?? `${table}_ibfk_${++count}` }))
}
