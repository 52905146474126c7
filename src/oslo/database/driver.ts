/** What an engine's driver gives: two dialects for Kysely and what Kysely is too slow or too general for. */
import type { DatabaseConnection, Dialect, Driver as KyselyDriver } from 'kysely'
import { DatabaseError, DuplicateKey } from './errors.ts'
import type { ConnectionSettings } from './options.ts'
import type { Schema } from './schema.ts'

export interface DriverOptions {
  /** For the names of constraints in errors. */
  readonly schema: Schema
  /** Make the database when it is not there, where the engine can (SQLite). */
  readonly create: boolean
  /** How long to wait for another transaction to get out of the way. */
  readonly busySeconds: number
  readonly settings: ConnectionSettings
}

/** Pieces of SQL that every engine writes in its own way. */
export interface Fragments {
  /** Gathers the rows of a group into one JSON object, as text; both are columns. */
  objectOf(key: string, value: string): string
  /**
   * Gathers the rows of a group into one JSON list, as text, each of them a list of these columns. Sorted by the first, where MySQL can't say so as
   * they come: by the index that is read.
   */
  listOf(columns: readonly string[]): string
  /**
   * What a column with JSON text holds at this path of keys, as JSON text itself; null where nothing is there. Texts with escapes that the engine
   * may not take, zeros and halves of characters among them, come whole, after `wholeJson`.
   */
  jsonAt(column: string, path: readonly string[]): string
  /** The operator that asks whether a text matches a regular expression. */
  readonly matches: string
  /** A regular expression as that operator is given it (nova/db/utils.py get_regexp_ops). */
  pattern(text: string): string
}

/** Stands where no JSON text begins so. */
export const wholeJson = '='

/** Errors of all its parts are those of `errors.ts` where one fits. */
export interface Driver {
  /** Single statements; refuses those that write. */
  readonly reading: Dialect
  readonly writing: Dialect
  /** How long to wait for another transaction: what the connection string says, else the option. */
  readonly busySeconds: number
  /** How often a transaction is repeated, for as long as that allows. */
  readonly retries: number
  /** Rows of one statement with `?` for its parameters, outside of any transaction. */
  rows<T>(sql: string, parameters: readonly unknown[]): Promise<T[]>
  readonly fragments: Fragments
  /** Statements run so far, those that begin and end transactions left out. */
  readonly statements: number
  /** What is broken inside the database; nothing when it is sound. */
  integrity(): Promise<string[]>
  /** Waits for a write that is under way. */
  close(): Promise<void>
}

/** The error for a row whose `columns` are taken, with the name that the schema gives to the constraint. */
export function duplicateKey(schema: Schema, table: string, columns: readonly string[], cause: unknown): DuplicateKey {
  const { rules } = schema[table] ?? {}
  const constraints = Object.entries({ ...rules?.unique, ...rules?.uniqueIndexes })
  const same = constraints.find(([, names]) => names.join() === columns.join())
  return new DuplicateKey(table, same?.[0] ?? null, columns, { cause })
}

/** As `duplicateKey`, when the engine names the constraint, perhaps cut to `longest` characters; anything else is the primary key. */
export function duplicateNamed(schema: Schema, table: string, name: string, longest: number, cause: unknown): DuplicateKey {
  const { rules, primaryKey = [] } = schema[table] ?? {}
  const constraints = Object.entries({ ...rules?.unique, ...rules?.uniqueIndexes })
  const same = constraints.find(([constraint]) => constraint.slice(0, longest) === name)
  return same ? new DuplicateKey(table, same[0], same[1], { cause }) : new DuplicateKey(table, null, primaryKey, { cause })
}

/** What Kysely asks of a driver at its beginning and end, where ours opens and closes by itself. */
export const lifeCycle = { init: async () => {}, destroy: async () => {} }

/** Hands out one connection for reads side by side, and no transactions. */
export function readingDriver(connection: DatabaseConnection): KyselyDriver {
  const none = async () => {
    throw new DatabaseError('a read is no transaction: use write')
  }
  return {
    ...lifeCycle,
    acquireConnection: async () => connection,
    releaseConnection: async () => {},
    beginTransaction: none,
    commitTransaction: none,
    rollbackTransaction: none,
  }
}
