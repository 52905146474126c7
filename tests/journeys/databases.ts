/** What SQLite says of the files of a cloud. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Trip } from './travel.ts'

export function rows(path: string, statement: string): unknown[] {
  const database = new Database(path, { readonly: true })
  try {
    return database.prepare(statement).all()
  } finally {
    database.close()
  }
}

/** Fails when one of them is damaged. The cloud must not run. */
export function soundDatabases({ cloud }: Pick<Trip, 'cloud'>): void {
  const folder = join(cloud.state, 'databases')
  const files = readdirSync(folder).filter((name) => name.endsWith('.sqlite'))
  const all = [...files.map((name) => join(folder, name)), join(cloud.state, 'run', 'messages.sock.journal')]
  for (const path of all.filter((path) => existsSync(path)))
    assert.deepEqual(rows(path, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }], path)
}
