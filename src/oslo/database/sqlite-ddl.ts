/** How SQLite spells a table. Types are those that SQLAlchemy gives it, so that Nova's reflection reads the same. */
import type { Ddl } from './ddl.ts'

const quote = (name: string) => `"${name}"`

export const ddl: Ddl = {
  quote,
  type({ kind, length, values = [], autoincrement }) {
    // An autoincrement column must be spelled INTEGER to be the rowid, whatever its width elsewhere.
    if (autoincrement) return 'INTEGER'
    if (kind === 'string' || kind === 'address') return `VARCHAR(${length})`
    if (kind === 'choice') return `VARCHAR(${Math.max(...values.map((value) => value.length))})`
    if (kind === 'mediumText') return 'TEXT'
    return kind.toUpperCase()
  },
  afterTable: () => '',
  namesForeignKeys: true,
  before: () => [],
  index: (name, columns, unique, on) =>
    `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${quote(name)} ON ${quote(on.name)} (${columns.map(quote).join(', ')})`,
  moreIndexes: () => ({}),
}
