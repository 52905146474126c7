/**
 * A database by its connection string, the same for every engine.
 *
 *     const database = await openDatabase('sqlite:////var/lib/nova/api.sqlite', { schema: apiSchema })
 *     await database.write((tx) => tx.insertInto('flavor_projects').values(row).execute())
 *     await database.read((tx) => tx.selectFrom('flavors').selectAll().where('flavorid', '=', '42').executeTakeFirst())
 */
import { Kysely, type Transaction } from 'kysely'
import type { Driver, DriverOptions, Fragments } from './driver.ts'
import { type ConnectionSettings, defaultConnectionSettings } from './options.ts'
import { copy } from './read-copy.ts'
import { retrying } from './retrying.ts'
import type { Schema, TablesOf } from './schema.ts'
import { type DatabaseUrl, describeUrl, type Engine, parseUrl } from './url.ts'

/** What a function that only reads receives; a `Writing` will do as well. */
export type Reading<Tables> = Kysely<Tables>

/** What a function that writes receives: the transaction. */
export type Writing<Tables> = Transaction<Tables>

export interface OpenOptions<S extends Schema> {
  /** The tables that are expected in it; nothing is created. */
  readonly schema: S
  /** Make the file when it is not there (SQLite). Without it that is DatabaseUnavailable. */
  readonly create?: boolean
  /** How long `write` waits and tries again while other transactions are in the way; 10 when absent. A `timeout` in the connection string wins. */
  readonly busySeconds?: number
  /** Pool, retries, session: what nova.conf says of it; its defaults when absent. */
  readonly settings?: ConnectionSettings
  /** A copy to read from, as a connection string (oslo.db's slave_connection). What it cannot answer is read from the database itself. */
  readonly readFrom?: string | null
}

/** An open database; `Tables` is what `TablesOf` makes of its schema. Its errors are those of `errors.ts` where one fits. */
export interface Database<Tables> {
  readonly engine: Engine
  /** Runs statements that read. Each sees what is committed when it starts; there is no common snapshot. */
  read<T>(work: (tx: Reading<Tables>) => Promise<T>): Promise<T>
  /**
   * Runs a transaction: all of it or, when `work` throws, nothing. `work` runs again when another transaction got in its way, so it
   * changes nothing but the database. A write inside a write waits for itself: hand on `tx` instead.
   */
  write<T>(work: (tx: Writing<Tables>) => Promise<T>): Promise<T>
  /** Rows of one SELECT written by hand, `?` for parameters; costs nothing beyond the driver. For lists that are asked for often. */
  rows<T>(sql: string, parameters?: readonly unknown[]): Promise<T[]>
  /** For such SELECTs: what engines write differently. */
  readonly fragments: Fragments
  /** How many statements ran since it was opened, without those that begin and end transactions. For tests. */
  readonly statements: number
  /** What is broken in the database, one line each; nothing when it is sound. */
  integrity(): Promise<string[]>
  /** Waits for a write that is under way; everything after it is DatabaseUnavailable. */
  close(): Promise<void>
}

/** Opens a database. DatabaseUnavailable when it is not there: worth another try. Other errors say what is wrong with `url`. */
export async function openDatabase<S extends Schema>(
  url: string,
  { schema, create = false, busySeconds = 10, settings = defaultConnectionSettings, readFrom }: OpenOptions<S>,
): Promise<Database<TablesOf<S>>> {
  type Side = { driver: Driver; kysely: Kysely<TablesOf<S>>; close(): Promise<void> }
  const parsed = parseUrl(url)
  const sideOf = (driver: Driver): Side => ({ driver, kysely: new Kysely({ dialect: driver.reading }), close: () => driver.close() })
  const own = sideOf(await openDriver(parsed, url, { schema, create, busySeconds, settings }))
  const { driver } = own
  const lent = readFrom
    ? copy(async () => sideOf(await openDriver(parseUrl(readFrom), readFrom, { schema, create: false, busySeconds, settings })))
    : undefined
  const reading = <T>(work: (side: Side) => Promise<T>) => (lent ? lent.read(own, work) : work(own))
  const writing = new Kysely<TablesOf<S>>({ dialect: driver.writing })
  return {
    engine: parsed.engine,
    read: (work) => reading(({ kysely }) => work(kysely)),
    write: (work) => retrying(() => writing.transaction().execute(work), driver.busySeconds, driver.retries),
    rows: (sql, parameters = []) => reading((side) => side.driver.rows(sql, parameters)),
    fragments: driver.fragments,
    get statements() {
      return driver.statements + (lent?.opened?.driver.statements ?? 0)
    },
    integrity: () => driver.integrity(),
    close: async () => {
      await lent?.close()
      await driver.close()
    },
  }
}

/** Each engine's driver is loaded where it is needed: nobody waits for those of the others. */
async function openDriver(url: DatabaseUrl, text: string, options: DriverOptions): Promise<Driver> {
  switch (url.engine) {
    case 'sqlite':
      return (await import('./sqlite-driver.ts')).openDriver(url, options)
    case 'mysql':
      return (await import('./mysql-driver.ts')).openDriver(url as DatabaseUrl & { engine: 'mysql' }, describeUrl(text), options)
    case 'postgresql':
      return (await import('./postgresql-driver.ts')).openDriver(url as DatabaseUrl & { engine: 'postgresql' }, describeUrl(text), options)
  }
}
