/**
 * Where a stand-in service keeps its things: collections of JSON documents, held in memory and written through to one SQLite file.
 * A `write` is one transaction: after kill -9 either all of it is there or none.
 */
import Database from 'better-sqlite3'

export interface Document {
  readonly id: string
}

export interface Collection<T extends Document> {
  get(id: string): T | undefined
  /** In the order of their making. */
  all(): T[]
  filter(wanted: (value: T) => boolean): T[]
  find(wanted: (value: T) => boolean): T | undefined
  /** Those whose field has this value. From an index that is made at the first question and kept up. */
  by<K extends keyof T & string>(field: K, value: T[K]): readonly T[]
  /** Adds, or replaces the one with the same id. Only inside `write`. */
  put(value: T): T
  /** False when there was none. Only inside `write`. */
  remove(id: string): boolean
  readonly size: number
}

export interface Shelf {
  collection<T extends Document>(name: string): Collection<T>
  /** Runs `change` as one transaction. When it throws, neither the file nor the memory has changed. */
  write<T>(change: () => T): T
  close(): void
}

/** Opens or makes the file. `:memory:` keeps nothing. */
export function openShelf(file: string): Shelf {
  const database = new Database(file)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  database.pragma('busy_timeout = 5000')
  database.exec(
    'CREATE TABLE IF NOT EXISTS documents (place INTEGER PRIMARY KEY, collection TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (collection, id))',
  )
  const upsert = database.prepare(
    'INSERT INTO documents (collection, id, body) VALUES (?, ?, ?) ON CONFLICT (collection, id) DO UPDATE SET body = excluded.body',
  )
  const remove = database.prepare('DELETE FROM documents WHERE collection = ? AND id = ?')
  const select = database.prepare('SELECT id, body FROM documents WHERE collection = ? ORDER BY place')
  const collections = new Map<string, Collection<Document>>()
  /** What to read again when the running transaction fails; undefined outside of one. */
  let touched: Map<string, () => void> | undefined

  function load(name: string): Collection<Document> {
    const held = new Map<string, Document>()
    const indexes = openIndexes(held)
    const read = () => {
      held.clear()
      indexes.forget()
      for (const row of select.all(name) as { id: string; body: string }[]) held.set(row.id, JSON.parse(row.body))
    }
    read()
    const touch = () => {
      if (!touched) throw new Error(`${name} changed outside a write`)
      touched.set(name, read)
    }
    return {
      get: (id) => held.get(id),
      all: () => [...held.values()],
      filter: (wanted) => [...held.values()].filter(wanted),
      find(wanted) {
        for (const value of held.values()) if (wanted(value)) return value
        return undefined
      },
      by: (field, value) => indexes.lookUp(field, value),
      put(value) {
        touch()
        upsert.run(name, value.id, JSON.stringify(value))
        indexes.change(held.get(value.id), value)
        held.set(value.id, value)
        return value
      },
      remove(id) {
        touch()
        const before = held.get(id)
        if (!before) return false
        indexes.change(before, undefined)
        held.delete(id)
        remove.run(name, id)
        return true
      },
      get size() {
        return held.size
      },
    }
  }

  return {
    collection<T extends Document>(name: string) {
      let found = collections.get(name)
      if (!found) collections.set(name, (found = load(name)))
      return found as unknown as Collection<T>
    },
    write(change) {
      if (touched) return change()
      const changed = (touched = new Map())
      try {
        return database.transaction(change).immediate()
      } catch (error) {
        // The file has been rolled back; the memory follows it.
        for (const read of changed.values()) read()
        throw error
      } finally {
        touched = undefined
      }
    },
    close: () => void database.close(),
  }
}

interface Indexes {
  lookUp(field: string, value: unknown): Document[]
  /** A document takes the place of another one; either may be missing. */
  change(before: Document | undefined, after: Document | undefined): void
  forget(): void
}

/** For each field that was asked for: documents by its value. */
function openIndexes(held: ReadonlyMap<string, Document>): Indexes {
  const indexes = new Map<string, Map<unknown, Map<string, Document>>>()
  const fieldOf = (row: Document, field: string) => row[field as keyof Document] as unknown
  const enter = (index: Map<unknown, Map<string, Document>>, field: string, row: Document) => {
    const value = fieldOf(row, field)
    const group = index.get(value)
    if (group) group.set(row.id, row)
    else index.set(value, new Map([[row.id, row]]))
  }
  const leave = (index: Map<unknown, Map<string, Document>>, value: unknown, id: string) => {
    const group = index.get(value)
    group?.delete(id)
    if (group?.size === 0) index.delete(value)
  }
  return {
    lookUp(field, value) {
      let index = indexes.get(field)
      if (!index) {
        indexes.set(field, (index = new Map()))
        for (const row of held.values()) enter(index, field, row)
      }
      return [...(index.get(value)?.values() ?? [])]
    },
    change(before, after) {
      for (const [field, index] of indexes) {
        if (before && (!after || fieldOf(before, field) !== fieldOf(after, field))) leave(index, fieldOf(before, field), before.id)
        if (after) enter(index, field, after)
      }
    },
    forget: () => indexes.clear(),
  }
}
