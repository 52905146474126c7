/** How PostgreSQL spells a table: types of their own for choices and addresses, sequences for ids. */
import type { Ddl } from './ddl.ts'
import { literal } from './literal.ts'
import type { Schema } from './schema.ts'

const quote = (name: string) => `"${name}"`

const types = {
  integer: 'INTEGER',
  bigint: 'BIGINT',
  float: 'DOUBLE PRECISION',
  boolean: 'BOOLEAN',
  datetime: 'TIMESTAMP WITHOUT TIME ZONE',
  text: 'TEXT',
  mediumText: 'TEXT',
  address: 'INET',
} as const

export const ddl: Ddl = {
  quote,
  type({ kind, length, typeName, autoincrement }) {
    if (autoincrement) return kind === 'bigint' ? 'BIGSERIAL' : 'SERIAL'
    if (kind === 'string') return `VARCHAR(${length})`
    if (kind === 'choice') return quote(typeName!)
    return types[kind]
  },
  afterTable: () => '',
  namesForeignKeys: false,
  before: createTypes,
  index: (name, columns, unique, on) =>
    `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${quote(name)} ON ${quote(on.name)} (${columns.map(quote).join(', ')})`,
  moreIndexes: () => ({}),
}

/** Several tables may share a choice: it is created once. */
function createTypes(schema: Schema): string[] {
  const found = new Map<string, string>()
  for (const { columns } of Object.values(schema))
    for (const { facts } of Object.values(columns))
      if (facts.kind === 'choice') found.set(facts.typeName!, facts.values!.map(literal).join(', '))
  return [...found].map(([name, values]) => `CREATE TYPE ${quote(name)} AS ENUM (${values})`)
}
