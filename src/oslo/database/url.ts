/** Connection strings of oslo.db (SQLAlchemy's): `engine[+driver]://user:password@host:port/database?option=value`. */

export type Engine = 'sqlite' | 'mysql' | 'postgresql'

/** A database as a connection string names it. */
export type DatabaseUrl =
  /** `file` as it was written; null keeps everything in memory. */
  | { readonly engine: 'sqlite'; readonly file: string | null; readonly query: Readonly<Record<string, string>> }
  | {
      readonly engine: 'mysql' | 'postgresql'
      readonly user: string | null
      readonly password: string | null
      readonly host: string | null
      readonly port: number | null
      readonly database: string | null
      readonly query: Readonly<Record<string, string>>
    }

const engines: Readonly<Record<string, Engine>> = {
  sqlite: 'sqlite',
  mysql: 'mysql',
  mariadb: 'mysql',
  postgresql: 'postgresql',
}

/** SQLAlchemy's drivers that Nova works with, which tells a slip: for us there is one of each engine, and it understands them all. */
const drivers: Readonly<Record<Engine, readonly string[]>> = {
  sqlite: ['pysqlite'],
  mysql: ['pymysql', 'mysqldb', 'mysqlconnector', 'mariadbconnector'],
  postgresql: ['psycopg2', 'psycopg', 'asyncpg', 'pg8000'],
}

// sqlalchemy/engine/url.py _parse_url: a password may hold any character but `@`, a user any but `:` and `/`.
const form =
  /^(?<name>\w+)(?:\+(?<driver>\w+))?:\/\/(?:(?<user>[^:/]*)(?::(?<password>[^@]*))?@)?(?:\[(?<ipv6>[^/?]+)\]|(?<host>[^/:?]+))?(?::(?<port>[^/?]*))?(?:\/(?<database>[^?]*))?(?:\?(?<query>.*))?$/s

/** Reads a connection string; which of the known drivers stands after `+` makes no difference. Throws an Error that does not repeat the password. */
export function parseUrl(url: string): DatabaseUrl {
  const found = form.exec(url)?.groups
  if (!found) throw new Error(`not a connection string: ${describeUrl(url)} (expected engine://user:password@host/database)`)
  const engine = engines[found.name!]
  if (!engine) throw new Error(`unknown database engine ${found.name} (sqlite, mysql or postgresql are known)`)
  if (found.driver !== undefined && !drivers[engine].includes(found.driver))
    throw new Error(`unknown driver ${found.driver} of ${found.name} (known: ${drivers[engine].join(', ')})`)
  const query = Object.fromEntries(new URLSearchParams(found.query ?? ''))
  if (engine === 'sqlite') return { engine, file: sqliteFile(url, found), query }
  return {
    engine,
    user: decoded(found.user),
    password: decoded(found.password),
    host: found.ipv6 ?? found.host ?? null,
    port: portOf(found.port),
    database: found.database || null,
    query,
  }
}

/** A connection string with its password hidden, for messages and logs. */
export const describeUrl = (url: string): string => url.replace(/(:\/\/[^:/]*):[^@]*@/s, '$1:***@').replace(/\?.*$/s, '')

/** `///` precedes a relative file and `////` an absolute one, as SQLAlchemy has it. */
function sqliteFile(url: string, { host, ipv6, user, database }: Record<string, string | undefined>): string | null {
  if (host || ipv6 || user) throw new Error(`${describeUrl(url)} names a host; write sqlite:///relative or sqlite:////absolute`)
  return database && database !== ':memory:' ? database : null
}

function portOf(text: string | undefined): number | null {
  if (!text) return null
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65535) throw new Error(`${text} is not a port`)
  return port
}

function decoded(text: string | undefined): string | null {
  if (text === undefined) return null
  try {
    return decodeURIComponent(text)
  } catch {
    // A `%` that stands for itself, which Python's unquote lets pass.
    return text
  }
}
