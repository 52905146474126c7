/** What can go wrong with a database, told in the same way by every engine. Other errors of a driver pass as they are. */

/** All of those below. */
export class DatabaseError extends Error {
  override readonly name: string = 'DatabaseError'
}

/** A row with this unique key is already there. */
export class DuplicateKey extends DatabaseError {
  override readonly name = 'DuplicateKey'
  readonly table: string
  /** The constraint's or index's name; null for a primary key without one. */
  readonly constraint: string | null
  readonly columns: readonly string[]
  constructor(table: string, constraint: string | null, columns: readonly string[], options?: ErrorOptions) {
    super(`${table} already has a row with this ${columns.join(', ')}`, options)
    this.table = table
    this.constraint = constraint
    this.columns = columns
  }
}

/** A row points to one that is not there, or one that others point to was to go. */
export class ForeignKeyViolated extends DatabaseError {
  override readonly name = 'ForeignKeyViolated'
}

/** The file or the server is not there, or went away. Worth another try later. */
export class DatabaseUnavailable extends DatabaseError {
  override readonly name: string = 'DatabaseUnavailable'
}

/** A connection broke, or none could be made for a moment; what was asked has not happened, so it may be asked again at once. */
export class ConnectionLost extends DatabaseUnavailable {}

/** Another transaction is in the way: a lock that did not come free, or a deadlock. `write` has already tried again. */
export class DatabaseBusy extends DatabaseError {
  override readonly name = 'DatabaseBusy'
}
