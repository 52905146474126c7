/** What an engine's driver gives: two dialects for Kysely and what Kysely is too slow or too general for. */
import type { Dialect } from 'kysely'
import { DuplicateKey } from './errors.ts'
import type { Schema } from './schema.ts'

export interface DriverOptions {
  /** For the names of constraints in errors. */
  readonly schema: Schema
  /** Make the database when it is not there, where the engine can (SQLite). */
  readonly create: boolean
  /** How long to wait for another transaction to get out of the way. */
  readonly busySeconds: number
}

/** Pieces of SQL that every engine writes in its own way. */
export interface Fragments {
  /** Gathers the rows of a group into one JSON object, as text. */
  objectOf(key: string, value: string): string
}

/** Errors of all its parts are those of `errors.ts` where one fits. */
export interface Driver {
  /** Single statements; refuses those that write. */
  readonly reading: Dialect
  readonly writing: Dialect
  /** How long to wait for another transaction: what the connection string says, else the option. */
  readonly busySeconds: number
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
