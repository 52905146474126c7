/** PostgreSQL by pg. */
import {
  ColumnNode,
  type CompiledQuery,
  type InsertQueryNode,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  ReferenceNode,
  ReturningNode,
  type RootOperationNode,
  SelectionNode,
} from 'kysely'
import pg from 'pg'
import { type Driver, type DriverOptions, duplicateNamed, wholeJson } from './driver.ts'
import { ConnectionLost, DatabaseBusy, DatabaseError, DatabaseUnavailable, ForeignKeyViolated } from './errors.ts'
import { type PostgresqlParameters, readPostgresqlUrl } from './postgresql-url.ts'
import type { Schema } from './schema.ts'
import { openServerDriver, type ServerEngine } from './server-driver.ts'
import type { Answer, Session } from './session.ts'
import type { DatabaseUrl } from './url.ts'

/** Connects. DatabaseUnavailable when the server or the database is not there, DatabaseError when the connection string is not understood. */
export function openDriver(url: DatabaseUrl & { engine: 'postgresql' }, name: string, options: DriverOptions): Promise<Driver> {
  const parameters = readPostgresqlUrl(url, options.settings.connectionParameters)
  const { schema } = options
  return openServerDriver(
    { engine: engineOf(schema), name, statementSeconds: 60, connect: connecting(parameters, { schema, name }) },
    options,
  )
}

const engineOf = (schema: Schema): ServerEngine => ({
  fragments: {
    objectOf: (key, value) => `json_object_agg("${key}", "${value}")::text`,
    listOf: (columns) => `json_agg(json_build_array(${columns.join(', ')}) ORDER BY ${columns[0]})::text`,
    // A zero or half a character anywhere in the text is an error
    jsonAt: (column, path) =>
      `CASE WHEN strpos(${column}, chr(92) || 'u') = 0 THEN (${column}::json #> '{${path.join(',')}}')::text ELSE '${wholeJson}' || ${column} END`,
    matches: '~',
    pattern: (text) => text,
  },
  compiler: () => new Compiler(schema),
  adapter: () => new PostgresAdapter(),
  introspector: (db) => new PostgresIntrospector(db),
  statement: numbered(),
  // A damaged page is an error of the statement that reads it
  integrity: async () => [],
})

/** `?` as `$1`, `$2` …; our own statements hold no other `?`. */
function numbered(): (sql: string) => string {
  const known = new Map<string, string>()
  return (sql) => {
    let found = known.get(sql)
    if (found === undefined) {
      let count = 0
      found = sql.replace(/\?/g, () => `$${++count}`)
      if (known.size > 1000) known.clear()
      known.set(sql, found)
    }
    return found
  }
}

/** Asks for the number that an inserted row was given, which other engines tell unasked. */
class Compiler extends PostgresQueryCompiler {
  readonly #schema: Schema

  constructor(schema: Schema) {
    super()
    this.#schema = schema
  }

  override compileQuery<R>(node: RootOperationNode, queryId: Parameters<PostgresQueryCompiler['compileQuery']>[1]): CompiledQuery<R> {
    const counted = node.kind === 'InsertQueryNode' && !node.returning ? this.#countedColumn(node) : undefined
    if (counted === undefined) return super.compileQuery(node, queryId) as CompiledQuery<R>
    const returning = ReturningNode.create([SelectionNode.create(ReferenceNode.create(ColumnNode.create(counted)))])
    return { ...(super.compileQuery({ ...(node as InsertQueryNode), returning }, queryId) as CompiledQuery<R>), query: node }
  }

  #countedColumn({ into }: InsertQueryNode): string | undefined {
    const columns = this.#schema[into?.table.identifier.name ?? '']?.columns ?? {}
    return Object.keys(columns).find((name) => columns[name]!.facts.autoincrement)
  }
}

interface Place {
  readonly schema: Schema
  readonly name: string
}

/** As libpq's sslmode=prefer: with TLS where the server has it, else without. */
function connecting({ options, orPlain }: PostgresqlParameters, place: Place): () => Promise<Session> {
  let plain = false
  return async () => {
    if (!plain)
      try {
        return await connect(options, place)
      } catch (error) {
        if (!orPlain || !/does not support SSL/.test(String(error))) throw error
        plain = true
      }
    return connect({ ...options, ssl: false }, place)
  }
}

async function connect(options: pg.ClientConfig, place: Place): Promise<Session> {
  const client = new pg.Client({ ...options, types: { getTypeParser } as never })
  const session = new PostgresqlSession(client, place)
  try {
    await client.connect()
  } catch (error) {
    session.destroy()
    throw translate(error as Error, place, true)
  }
  try {
    await session.run(beforeAll, [])
    return session
  } catch (error) {
    session.destroy()
    throw error
  }
}

/**
 * Another date style, which server or role may have, would give other texts for times. Compiling a statement takes a second where it runs for
 * a millisecond: rows as wide as servers look expensive to PostgreSQL, however few they are.
 */
const beforeAll = `SELECT set_config('datestyle', 'ISO', false), (SELECT set_config(name, 'off', false) FROM pg_settings WHERE name = 'jit')`

const same = (text: string): unknown => text
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => text === 't',
  // bigint and numeric: sums and counts; exact up to 2^53
  20: Number,
  1700: Number,
  21: Number,
  23: Number,
  26: Number,
  700: Number,
  701: Number,
}

/** Times, addresses and JSON stay text. */
const getTypeParser = (oid: number): ((text: string) => unknown) => parsers[oid] ?? same

class PostgresqlSession implements Session {
  lost = false
  onLost: (() => void) | undefined
  readonly #client: pg.Client
  readonly #place: Place

  constructor(client: pg.Client, place: Place) {
    this.#client = client
    this.#place = place
    client.on('error', () => this.#broken())
    client.on('end', () => this.#broken())
  }

  #broken(): void {
    if (this.lost) return
    this.lost = true
    this.onLost?.()
  }

  async run(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    try {
      return answerOf(await this.#client.query(sql, parameters as unknown[]))
    } catch (error) {
      const translated = translate(error as Error, this.#place, false)
      if (translated instanceof ConnectionLost) this.#broken()
      throw translated
    }
  }

  async ping(): Promise<void> {
    const timer = setTimeout(() => this.destroy(), pingMs)
    try {
      await this.#client.query('SELECT 1')
    } finally {
      clearTimeout(timer)
    }
  }

  end(): void {
    if (this.lost) this.destroy()
    else this.#client.end().catch(() => undefined)
    this.lost = true
  }

  destroy(): void {
    this.lost = true
    ;(this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy()
  }
}

const pingMs = 3000

function answerOf({ command, rows, rowCount }: pg.QueryResult<Record<string, unknown>>): Answer {
  if (command === 'SELECT' || command === 'SHOW') return { rows, affected: undefined, insertId: undefined }
  const number = command === 'INSERT' && rows[0] ? Object.values(rows[0])[0] : undefined
  return { rows, affected: BigInt(rowCount ?? 0), insertId: typeof number === 'number' ? BigInt(number) : undefined }
}

/** SQLSTATE by what it means; oslo_db/sqlalchemy/exc_filters.py. */
function translate(error: Error, { schema, name }: Place, connecting: boolean): Error {
  const { code = '', table = '', constraint = '' } = error as { code?: string; table?: string; constraint?: string }
  const message = `${name}: ${error.message}`
  if (code === '23505') return duplicateNamed(schema, table, constraint, 63, error)
  if (code === '23503') return new ForeignKeyViolated(message, { cause: error })
  // serialization failure, deadlock, lock not available
  if (code === '40001' || code === '40P01' || code === '55P03') return new DatabaseBusy(message, { cause: error })
  // the database does not exist, too many connections, still starting
  if (code === '3D000' || code === '53300' || code === '57P03') return new DatabaseUnavailable(message, { cause: error })
  if (/^(08...|57P0[12])$/.test(code)) return new ConnectionLost(message, { cause: error })
  // refused for good: a password, a role, pg_hba.conf
  if (code.startsWith('28')) return new DatabaseError(message, { cause: error })
  const network = /^(E[A-Z_]+|ERR_(TLS|SSL|STREAM).*|CERT_.*|DEPTH_.*|SELF_SIGNED.*|UNABLE_TO_.*)$/.test(code)
  const gone = /^Connection terminated|not queryable|connection error|timeout expired|Client was closed|does not support SSL/.test(
    error.message,
  )
  if (network || gone)
    return connecting ? new DatabaseUnavailable(message, { cause: error }) : new ConnectionLost(message, { cause: error })
  return error
}
