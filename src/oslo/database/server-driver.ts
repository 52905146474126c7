/**
 * What drivers of database servers have in common: a pool of connections, statements that are asked again when their connection broke, and
 * transactions. What is of one engine alone comes as `Engine`.
 */
import type {
  CompiledQuery,
  DatabaseConnection,
  DatabaseIntrospector,
  Dialect,
  DialectAdapter,
  Kysely,
  Driver as KyselyDriver,
  QueryCompiler,
  QueryResult,
} from 'kysely'
import { type Driver, type DriverOptions, type Fragments, lifeCycle, readingDriver } from './driver.ts'
import { ConnectionLost, DatabaseError, DatabaseUnavailable } from './errors.ts'
import type { ConnectionSettings } from './options.ts'
import { openPool, type Pool } from './pool.ts'
import { retrying } from './retrying.ts'
import { type Answer, type Session, within } from './session.ts'

export interface ServerEngine {
  readonly fragments: Fragments
  readonly compiler: () => QueryCompiler
  readonly adapter: () => DialectAdapter
  // biome-ignore lint/suspicious/noExplicitAny: Kysely's own type for any tables
  readonly introspector: (db: Kysely<any>) => DatabaseIntrospector
  /** Hand-written SQL with `?` as this engine wants it. */
  readonly statement: (sql: string) => string
  /** What is broken inside the database. */
  readonly integrity: (ask: (sql: string) => Promise<readonly unknown[]>) => Promise<string[]>
}

export interface ServerParts {
  readonly engine: ServerEngine
  /** For messages: the connection string without its password. */
  readonly name: string
  readonly connect: () => Promise<Session>
  /** How long one statement may take. */
  readonly statementSeconds: number
}

/** Connects once to see that the database is there. DatabaseUnavailable when it is not. */
export async function openServerDriver(parts: ServerParts, { busySeconds, settings }: DriverOptions): Promise<Driver> {
  const { connect } = parts
  const pool = openPool({ connect, ...poolOf(settings) })
  pool.give(await pool.take())
  return new ServerDriver(parts, pool, busySeconds, settings.dbMaxRetries)
}

const poolOf = ({ maxPoolSize, maxOverflow, poolTimeout, connectionRecycleTime }: ConnectionSettings) => ({
  keep: maxPoolSize,
  overflow: maxOverflow,
  // SQLAlchemy closes them at once; a request here asks side by side, and connecting costs more than all it asks
  spareSeconds: 30,
  // sqlalchemy/pool/impl.py QueuePool: 30 seconds
  waitSeconds: poolTimeout ?? 30,
  recycleSeconds: connectionRecycleTime,
})

class ServerDriver implements Driver {
  readonly reading: Dialect
  readonly writing: Dialect
  readonly busySeconds: number
  readonly retries: number
  readonly fragments: Fragments
  statements = 0
  readonly #parts: ServerParts
  readonly #pool: Pool<Session>

  constructor(parts: ServerParts, pool: Pool<Session>, busySeconds: number, retries: number) {
    this.#parts = parts
    this.#pool = pool
    this.busySeconds = busySeconds
    this.retries = retries < 0 ? Number.POSITIVE_INFINITY : retries
    this.fragments = parts.engine.fragments
    this.reading = this.#dialect(() => this.#readingDriver())
    this.writing = this.#dialect(() => this.#writingDriver())
  }

  async rows<T>(sql: string, parameters: readonly unknown[]): Promise<T[]> {
    refuseWrite(sql)
    const { rows } = await this.#ask(this.#parts.engine.statement(sql), parameters)
    return rows as T[]
  }

  integrity(): Promise<string[]> {
    return this.#parts.engine.integrity(async (sql) => (await this.#ask(sql, [])).rows)
  }

  close(): Promise<void> {
    return this.#pool.close(this.busySeconds)
  }

  /** One statement that reads, on any connection: it may be asked again. */
  #ask(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    return retrying(() => this.#once(sql, parameters), this.busySeconds, this.retries)
  }

  async #once(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    const session = this.#pool.idle() ?? (await this.#pool.take())
    try {
      return await this.#run(session, sql, parameters)
    } finally {
      this.#pool.give(session)
    }
  }

  #run(session: Session, sql: string, parameters: readonly unknown[]): Promise<Answer> {
    this.statements++
    return this.#within(session, () => session.run(sql, parameters))
  }

  #within<T>(session: Session, work: () => Promise<T>): Promise<T> {
    const { statementSeconds, name } = this.#parts
    return within(session, statementSeconds, () => new DatabaseUnavailable(`${name}: no answer in ${statementSeconds} s`), work)
  }

  #dialect(createDriver: () => KyselyDriver): Dialect {
    const { compiler, adapter, introspector } = this.#parts.engine
    return { createDriver, createAdapter: adapter, createQueryCompiler: compiler, createIntrospector: introspector }
  }

  #readingDriver(): KyselyDriver {
    const connection = asConnection(async (query) => {
      if (query.query.kind !== 'SelectQueryNode') refuseWrite(query.sql)
      return this.#ask(query.sql, query.parameters)
    })
    return readingDriver(connection)
  }

  #writingDriver(): KyselyDriver {
    const sessions = new WeakMap<DatabaseConnection, Session>()
    const control = (connection: DatabaseConnection, sql: string) => {
      const session = sessions.get(connection)!
      return this.#within(session, () => session.run(sql, []))
    }
    return {
      ...lifeCycle,
      acquireConnection: async () => {
        const session = this.#pool.idle() ?? (await this.#pool.take())
        const connection = asConnection((query) => this.#run(session, query.sql, query.parameters))
        sessions.set(connection, session)
        return connection
      },
      releaseConnection: async (connection) => this.#pool.give(sessions.get(connection)!),
      beginTransaction: async (connection) => void (await control(connection, 'BEGIN')),
      commitTransaction: async (connection) => {
        try {
          await control(connection, 'COMMIT')
        } catch (error) {
          if (!(error instanceof ConnectionLost)) throw error
          // Nobody knows whether it arrived: to run the transaction again could do everything twice
          throw new DatabaseUnavailable(`${this.#parts.name}: the connection broke while a transaction was being committed`, {
            cause: error,
          })
        }
      },
      // With its connection a transaction is gone as well
      rollbackTransaction: async (connection) => {
        if (!sessions.get(connection)!.lost) await control(connection, 'ROLLBACK')
      },
    }
  }
}

const reads = /^\s*\(?\s*(select|with|show|explain|values|check)\b/i

function refuseWrite(sql: string): void {
  if (!reads.test(sql)) throw new DatabaseError(`a read must not write: ${sql}`)
}

function asConnection(run: (query: CompiledQuery) => Promise<Answer>): DatabaseConnection {
  async function execute<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, affected, insertId } = await run(query)
    return {
      rows: rows as R[],
      ...(affected !== undefined && { numAffectedRows: affected }),
      ...(insertId !== undefined && { insertId }),
    }
  }
  return {
    executeQuery: execute,
    async *streamQuery<R>(query: CompiledQuery) {
      yield await execute<R>(query)
    },
  }
}
