/**
 * SQLite by better-sqlite3. A file has one connection that writes, used in turns, and one that reads, so that reads never wait for a write
 * of this process; other processes may use the file at the same time. In memory both are one: a read sees a write that is under way.
 */
import { existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import Sqlite from 'better-sqlite3'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver as KyselyDriver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { type Driver, type DriverOptions, duplicateKey, type Fragments, lifeCycle, readingDriver } from './driver.ts'
import { DatabaseBusy, DatabaseError, DatabaseUnavailable, ForeignKeyViolated } from './errors.ts'
import { found } from './regexp.ts'
import { retrying } from './retrying.ts'
import type { Schema } from './schema.ts'
import { turns } from './turns.ts'
import type { DatabaseUrl } from './url.ts'

const preparedStatements = 500
const readBusyMs = 5000

/** Opens the file. DatabaseUnavailable when it is not there, unless `create` is set; its directory has to exist. */
export async function openDriver(url: SqliteUrl, options: DriverOptions): Promise<Driver> {
  const file = url.file === null ? null : resolve(url.file)
  const busySeconds = timeoutOf(url) ?? options.busySeconds
  const opened = (create: boolean) =>
    retrying(() => translated(options.schema, () => connect(file, create, options.settings.sqliteSynchronous)), busySeconds)
  const writer = await opened(options.create)
  const reader = file === null ? writer : await opened(false)
  // `write` waits for others in turns and pauses; waiting inside SQLite would stop the whole process.
  if (reader !== writer) writer.pragma('busy_timeout = 0')
  return new SqliteDriver(file ?? 'in memory', writer, reader, { ...options, busySeconds })
}

type SqliteUrl = DatabaseUrl & { engine: 'sqlite' }

/** Options of Python's sqlite3.connect; those that have no meaning here are let pass, others are refused. */
function timeoutOf({ query }: SqliteUrl): number | undefined {
  for (const [name, value] of Object.entries(query)) {
    const known = name === 'timeout' ? Number(value) >= 0 : ['check_same_thread', 'cached_statements'].includes(name)
    if (!known) throw new DatabaseError(`sqlite: cannot take the option ${name}=${value}`)
  }
  return query.timeout === undefined ? undefined : Number(query.timeout)
}

function connect(file: string | null, create: boolean, synchronous: boolean): Sqlite.Database {
  if (file !== null && !create && !existsSync(file)) throw new DatabaseUnavailable(`${file} is not there`)
  if (file !== null && !existsSync(dirname(file))) throw new DatabaseUnavailable(`the directory of ${file} is not there`)
  const connection = new Sqlite(file ?? ':memory:', { fileMustExist: file !== null && !create, timeout: readBusyMs })
  try {
    if (file !== null) connection.pragma('journal_mode = WAL')
    connection.pragma(`synchronous = ${synchronous ? 'NORMAL' : 'OFF'}`)
    connection.pragma('foreign_keys = ON')
    connection.function('regexp', { deterministic: true }, matching())
    return connection
  } catch (error) {
    connection.close()
    const foreign = error instanceof Sqlite.SqliteError && error.code === 'SQLITE_NOTADB'
    throw foreign ? new DatabaseError(`${file} is not an SQLite database`, { cause: error }) : error
  }
}

/** `x REGEXP pattern`, which SQLite leaves open. Null is not matched. */
function matching(): (pattern: unknown, value: unknown) => number | null {
  let last: { pattern: unknown; isIn: (text: string) => boolean } | undefined
  return (pattern, value) => {
    if (pattern === null || value === null) return null
    if (last?.pattern !== pattern) last = { pattern, isIn: found(String(pattern)) }
    return Number(last!.isIn(String(value)))
  }
}

class SqliteDriver implements Driver {
  readonly reading: Dialect
  readonly writing: Dialect
  readonly busySeconds: number
  readonly retries = Number.POSITIVE_INFINITY
  readonly fragments: Fragments = {
    objectOf: (key, value) => `json_group_object("${key}", "${value}")`,
    listOf: (columns) => `json_group_array(json_array(${columns.join(', ')}) ORDER BY ${columns[0]})`,
    jsonAt: (column, path) => `${column} -> '$${path.map((key) => `."${key}"`).join('')}'`,
    matches: 'REGEXP',
    pattern: (text) => text,
  }
  statements = 0
  readonly #file: string
  readonly #writer: Sqlite.Database
  readonly #reader: Sqlite.Database
  readonly #turns = turns()
  readonly #schema: Schema
  readonly #prepareRead: Prepare

  constructor(file: string, writer: Sqlite.Database, reader: Sqlite.Database, { schema, busySeconds }: Omit<DriverOptions, 'settings'>) {
    this.#file = file
    this.#writer = writer
    this.#reader = reader
    this.#schema = schema
    this.busySeconds = busySeconds
    this.#prepareRead = preparing(reader, refuseWrites)
    this.reading = dialect(() => readingDriver(this.#connection(this.#prepareRead)))
    this.writing = dialect(() => this.#writingDriver())
  }

  async rows<T>(sql: string, parameters: readonly unknown[]): Promise<T[]> {
    this.statements++
    return this.#run(() => this.#prepareRead(sql).all(bindable(parameters)) as T[])
  }

  async integrity(): Promise<string[]> {
    try {
      const found = this.#run(() => this.#reader.pragma('integrity_check') as { integrity_check: string }[])
      return found.map((row) => row.integrity_check).filter((line) => line !== 'ok')
    } catch (error) {
      // Damage may be such that the check itself cannot be run.
      if (error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_CORRUPT')) return [error.message]
      throw error
    }
  }

  async close(): Promise<void> {
    if (!this.#writer.open) return
    await this.#turns.take(this.busySeconds)
    this.#reader.close()
    this.#writer.close()
    this.#turns.give()
  }

  #writingDriver(): KyselyDriver {
    const connection = this.#connection(preparing(this.#writer))
    const control = (sql: string) => this.#run(() => void this.#writer.exec(sql))
    return {
      ...lifeCycle,
      acquireConnection: async () => {
        await this.#turns.take(this.busySeconds)
        return connection
      },
      releaseConnection: async () => this.#turns.give(),
      // IMMEDIATE: a transaction that reads first and then writes must not find out late that another has written.
      beginTransaction: async () => retrying(() => control('BEGIN IMMEDIATE'), this.busySeconds),
      commitTransaction: async () => control('COMMIT'),
      // Some errors, such as a full disk, have already ended the transaction.
      rollbackTransaction: async () => (this.#writer.inTransaction ? control('ROLLBACK') : undefined),
    }
  }

  #connection(prepare: Prepare): DatabaseConnection {
    const execute = <R>({ sql, parameters }: CompiledQuery): QueryResult<R> => {
      this.statements++
      return this.#run(() => {
        const statement = prepare(sql)
        const values = bindable(parameters)
        if (statement.reader) return { rows: statement.all(values) as R[] }
        const { changes, lastInsertRowid } = statement.run(values)
        return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) }
      })
    }
    return {
      executeQuery: async <R>(query: CompiledQuery) => execute<R>(query),
      // A row at a time would keep the connection from all others meanwhile.
      async *streamQuery<R>(query: CompiledQuery) {
        yield execute<R>(query)
      },
    }
  }

  #run<T>(work: () => T): T {
    if (!this.#writer.open) throw new DatabaseUnavailable(`the database ${this.#file} is closed`)
    return translated(this.#schema, work)
  }
}

/** Our turns replace Kysely's own, which would also make reads wait for each other. */
class Adapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true
  }
}

const dialect = (createDriver: () => KyselyDriver): Dialect => ({
  createDriver,
  createAdapter: () => new Adapter(),
  createQueryCompiler: () => new SqliteQueryCompiler(),
  createIntrospector: (db) => new SqliteIntrospector(db),
})

type Prepare = (sql: string) => Sqlite.Statement<unknown[]>

/** Prepared statements by their text; the one that was not used for longest is dropped first. */
function preparing(connection: Sqlite.Database, check: (statement: Sqlite.Statement<unknown[]>) => void = () => {}): Prepare {
  const held = new Map<string, Sqlite.Statement<unknown[]>>()
  return (sql) => {
    let statement = held.get(sql)
    if (statement) held.delete(sql)
    else {
      statement = connection.prepare(sql)
      check(statement)
      if (held.size >= preparedStatements) held.delete(held.keys().next().value!)
    }
    held.set(sql, statement)
    return statement
  }
}

function refuseWrites({ readonly, source }: Sqlite.Statement<unknown[]>): void {
  if (!readonly) throw new DatabaseError(`a read must not write: ${source}`)
}

/** SQLite has no booleans: 1 and 0 stand for them. */
function bindable(parameters: readonly unknown[]): readonly unknown[] {
  for (const value of parameters)
    if (typeof value === 'boolean') return parameters.map((each) => (typeof each === 'boolean' ? Number(each) : each))
  return parameters
}

function translated<T>(schema: Schema, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw translate(schema, error)
  }
}

function translate(schema: Schema, error: unknown): unknown {
  if (!(error instanceof Sqlite.SqliteError)) return error
  const { code, message } = error
  const taken = /^UNIQUE constraint failed: (\w+)\.(.*)$/.exec(message)
  if (taken) return duplicateKey(schema, taken[1]!, taken[2]!.split(`, ${taken[1]}.`), error)
  if (code === 'SQLITE_CONSTRAINT_FOREIGNKEY') return new ForeignKeyViolated(message, { cause: error })
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return new DatabaseBusy(message, { cause: error })
  if (/^SQLITE_(CANTOPEN|IOERR)/.test(code)) return new DatabaseUnavailable(message, { cause: error })
  return error
}
