/** How MySQL and MariaDB spell a table. `utf8` is said as Nova says it: the server decides which collation that brings. */
import type { Ddl } from './ddl.ts'
import { literal } from './literal.ts'

const quote = (name: string) => `\`${name}\``

const types = {
  integer: 'INTEGER',
  bigint: 'BIGINT',
  float: 'FLOAT',
  boolean: 'BOOL',
  datetime: 'DATETIME',
  text: 'TEXT',
  mediumText: 'MEDIUMTEXT',
} as const

export const ddl: Ddl = {
  quote,
  type({ kind, length, values = [], autoincrement }, name, { rules }) {
    if (kind === 'choice') return `ENUM(${values.map(literal).join(', ')})`
    const charset = rules.mysql?.columnCharsets?.[name]
    if (kind === 'string' || kind === 'address') return `VARCHAR(${length})${charset ? ` ${charset}` : ''}`
    return `${types[kind]}${autoincrement ? ' AUTO_INCREMENT' : ''}`
  },
  afterTable({ rules: { mysql = {} } }) {
    const collate = mysql.collate ? ` COLLATE=${mysql.collate}` : ''
    return ` ENGINE=InnoDB DEFAULT CHARSET=${mysql.charset ?? 'utf8'}${collate}`
  },
  namesForeignKeys: true,
  before: () => [],
  index(name, columns, unique, on) {
    const prefixes = on.table.rules.mysql?.prefixes?.[name]
    const parts = columns.map((column) => (prefixes?.[column] ? `${quote(column)}(${prefixes[column]})` : quote(column)))
    return `CREATE ${unique ? 'UNIQUE ' : ''}INDEX ${quote(name)} ON ${quote(on.name)} (${parts.join(', ')})`
  },
  moreIndexes: ({ rules }) => rules.mysql?.indexes ?? {},
}
