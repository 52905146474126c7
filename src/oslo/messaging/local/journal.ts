/** Where the broker writes casts down, so that they outlive it: one SQLite file, one transaction a batch. */
import { closeSync, openSync } from 'node:fs'
import Database from 'better-sqlite3'

export interface JournalEntry {
  /** Order of coming in. */
  readonly place: number
  readonly id: string
  readonly queue: string
  readonly body: Buffer
}

export interface Journal {
  /** All that was written and not removed, oldest first. */
  load(): JournalEntry[]
  write(added: readonly JournalEntry[], removed: readonly number[]): void
  close(): void
}

/**
 * Opens or makes the file, for this process alone: a second one fails. What was written survives the death of the process at once; a power
 * failure may take the last moments, as nothing waits for the disk.
 */
export function openJournal(file: string): Journal {
  // messages hold tokens: nobody else reads them, and SQLite gives its side files the same mode
  closeSync(openSync(file, 'a', 0o600))
  const database = new Database(file, { timeout: 0 })
  database.pragma('locking_mode = EXCLUSIVE')
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  database.exec(
    'CREATE TABLE IF NOT EXISTS messages (place INTEGER PRIMARY KEY, id TEXT NOT NULL, queue TEXT NOT NULL, body BLOB NOT NULL)',
  )
  const insert = database.prepare('INSERT INTO messages (place, id, queue, body) VALUES (?, ?, ?, ?)')
  const remove = database.prepare('DELETE FROM messages WHERE place = ?')
  const select = database.prepare('SELECT place, id, queue, body FROM messages ORDER BY place')
  const write = database.transaction((added: readonly JournalEntry[], removed: readonly number[]) => {
    for (const { place, id, queue, body } of added) insert.run(place, id, queue, body)
    for (const place of removed) remove.run(place)
  })
  return {
    load: () => select.all() as JournalEntry[],
    write: (added, removed) => void write.immediate(added, removed),
    close: () => void database.close(),
  }
}
