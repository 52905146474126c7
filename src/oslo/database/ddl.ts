/** The statements that create the tables of a schema. What engines have in common is here, the rest in `<engine>-ddl.ts`. */
import { literal } from './literal.ts'
import { ddl as mysql } from './mysql-ddl.ts'
import { ddl as postgresql } from './postgresql-ddl.ts'
import type { ColumnFacts, ForeignKey, Schema, Table } from './schema.ts'
import { ddl as sqlite } from './sqlite-ddl.ts'
import type { Engine } from './url.ts'

/** What an engine's statements differ in. */
export interface Ddl {
  readonly quote: (name: string) => string
  /** The type of a column, autoincrement included, without NOT NULL and DEFAULT. */
  readonly type: (column: ColumnFacts, name: string, table: Table) => string
  /** Said of a table after its closing parenthesis. */
  readonly afterTable: (table: Table) => string
  /** Whether foreign keys carry their names; PostgreSQL's are `<table>_<column>_fkey` in Nova's databases. */
  readonly namesForeignKeys: boolean
  /** Statements before those of the tables. */
  readonly before: (schema: Schema) => string[]
  /** Statements of an index. */
  readonly index: (name: string, columns: readonly string[], unique: boolean, on: { name: string; table: Table }) => string
  /** Indexes of this engine alone. */
  readonly moreIndexes: (table: Table) => Readonly<Record<string, readonly string[]>>
}

/** All statements, in an order in which they can be run. */
export function createStatements(schema: Schema, engine: Engine): string[] {
  const ddl = { sqlite, mysql, postgresql }[engine]
  const names = inOrderOfReference(schema)
  return [
    ...ddl.before(schema),
    ...names.map((name) => createTable(name, schema[name]!, ddl)),
    ...names.flatMap((name) => createIndexes(name, schema[name]!, ddl)),
  ]
}

function createTable(name: string, table: Table, ddl: Ddl): string {
  const { rules } = table
  const list = (columns: readonly string[]) => `(${columns.map(ddl.quote).join(', ')})`
  const named = (constraint: string | undefined) => (constraint ? `CONSTRAINT ${ddl.quote(constraint)} ` : '')
  const parts = [
    ...Object.entries(table.columns).map(([column, { facts }]) => columnLine(column, facts, table, ddl)),
    `${named(rules.primaryKeyName)}PRIMARY KEY ${list(table.primaryKey)}`,
    ...Object.entries(rules.unique ?? {}).map(([constraint, columns]) => `${named(constraint)}UNIQUE ${list(columns)}`),
    ...(rules.foreignKeys ?? []).map(([column, target, constraint]) => {
      const [toTable, toColumn] = target.split('.') as [string, string]
      return `${named(ddl.namesForeignKeys ? constraint : undefined)}FOREIGN KEY${list([column])} REFERENCES ${ddl.quote(toTable)} ${list([toColumn])}`
    }),
  ]
  return `CREATE TABLE ${ddl.quote(name)} (\n\t${parts.join(',\n\t')}\n)${ddl.afterTable(table)}`
}

function columnLine(name: string, facts: ColumnFacts, table: Table, ddl: Ddl): string {
  const initial = facts.default === undefined ? '' : ` DEFAULT ${literal(facts.default)}`
  return `${ddl.quote(name)} ${ddl.type(facts, name, table)}${initial}${facts.nullable ? '' : ' NOT NULL'}`
}

function createIndexes(name: string, table: Table, ddl: Ddl): string[] {
  const statements = (indexes: Readonly<Record<string, readonly string[]>> | undefined, unique: boolean) =>
    Object.entries(indexes ?? {}).map(([index, columns]) => ddl.index(index, columns, unique, { name, table }))
  const { uniqueIndexes, indexes } = table.rules
  return [...statements(uniqueIndexes, true), ...statements({ ...indexes, ...ddl.moreIndexes(table) }, false)]
}

/** A table that others point to comes before them. */
function inOrderOfReference(schema: Schema): string[] {
  const done = new Set<string>()
  const visit = (name: string, from: readonly string[]) => {
    if (done.has(name) || from.includes(name)) return
    const table = schema[name]
    if (!table) throw new Error(`table ${from.at(-1)} points to ${name}, which is not there`)
    for (const target of targets(table.rules.foreignKeys)) visit(target, [...from, name])
    done.add(name)
  }
  for (const name of Object.keys(schema).sort()) visit(name, [])
  return [...done]
}

const targets = (keys: readonly ForeignKey[] = []): string[] => keys.map(([, target]) => target.split('.')[0]!)
