/**
 * Databases on a server that is running: `NOVA_TEST_DATABASES` says where, as a connection string that ends where a database's name would follow.
 * Making tables takes seconds there, so a set of databases is used again, emptied, by a later test; files in a folder say which are free.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { type Database, openDatabase } from '../../src/oslo/database/database.ts'
import type { Schema } from '../../src/oslo/database/schema.ts'
import { type Engine, parseUrl } from '../../src/oslo/database/url.ts'
import { apiSchema } from '../../src/stores/api/schema.ts'
import { cellSchema } from '../../src/stores/cell/schema.ts'
import { syncApi, syncCell } from '../../src/stores/sync.ts'

/** The server that tests are to use instead of files of their own. */
export const testServer = process.env.NOVA_TEST_DATABASES

export interface DatabaseSet {
  /** The connection string of `api`, `cell0` or `cell1`. */
  url(name: string): string
  /** Others may have it, once everything that uses it is closed. */
  giveBack(): void
}

const schemas: Readonly<Record<string, Schema>> = { api: apiSchema, cell0: cellSchema, cell1: cellSchema }

/** Where a file for each set says that it is free; to be removed with the server. */
export const freeSets = (server: string): string =>
  join(tmpdir(), `nova-ts-sets-${createHash('sha256').update(server).digest('hex').slice(0, 12)}`)

/** Whoever removes its file has it. */
function takeFree(folder: string): string | undefined {
  mkdirSync(folder, { recursive: true })
  return readdirSync(folder).find((name) => {
    try {
      rmSync(join(folder, name))
      return true
    } catch {
      return false
    }
  })
}

/** A set that nobody else uses; its tables are empty. */
export async function takeSet(server: string): Promise<DatabaseSet> {
  const folder = freeSets(server)
  const known = takeFree(folder)
  const prefix = known ?? `t${crypto.randomUUID().slice(0, 8)}`
  const url = (name: string) => `${server}${prefix}_${name}`
  for (const [name, schema] of Object.entries(schemas)) {
    if (known) await emptied(url(name), schema)
    else {
      await createDatabase(server, `${prefix}_${name}`)
      await made(url(name), schema)
    }
  }
  return { url, giveBack: () => writeFileSync(join(folder, prefix), '') }
}

async function using(url: string, schema: Schema, work: (database: Database<Record<string, never>>) => Promise<unknown>): Promise<void> {
  const database = (await openDatabase(url, { schema })) as unknown as Database<Record<string, never>>
  try {
    await work(database)
  } finally {
    await database.close()
  }
}

/** Makes a database in the way that the engine's operators are told to. */
export async function createDatabase(server: string, name: string): Promise<void> {
  const parts = parseUrl(server)
  if (parts.engine === 'sqlite') throw new Error('a file is made by opening it')
  const { host, port, user, password } = parts
  const place = { host: host!, port: port!, user: user!, password: password ?? '' }
  if (parts.engine === 'mysql') {
    const connection = await mysql.createConnection(place)
    await connection.query(`CREATE DATABASE ${name} CHARACTER SET utf8mb3`)
    await connection.end()
  } else {
    // outside of a transaction, which is why it is not done through our own driver
    const client = new pg.Client({ ...place, database: 'postgres' })
    await client.connect()
    await client.query(`CREATE DATABASE ${name}`)
    await client.end()
  }
}

const made = (url: string, schema: Schema): Promise<void> =>
  using(url, schema, (database) => (schema === apiSchema ? syncApi(database as never) : syncCell(database as never)))

/** As a set that was just made: without rows, and with ids that begin at 1, which rows that have come and gone used up as well. */
async function emptied(url: string, schema: Schema): Promise<void> {
  const tables = Object.keys(schema).filter((name) => name !== 'alembic_version')
  const rows = tables.map((name) => `SELECT '${name}' AS name FROM (SELECT 1 FROM ${name} LIMIT 1) ${name}_`)
  await using(url, schema, async (database) => {
    const asked = [...rows, countedOn(database.engine)].join(' UNION ')
    const used = (await database.rows<{ name: string }>(asked)).map(({ name }) => name)
    if (used.length === 0) return
    await database.write(async (tx) => {
      if (database.engine === 'postgresql') await sql.raw(`TRUNCATE ${used.join(', ')} RESTART IDENTITY CASCADE`).execute(tx)
      else {
        await sql`SET SESSION foreign_key_checks = 0`.execute(tx)
        for (const name of used) await sql.raw(`TRUNCATE ${name}`).execute(tx)
      }
    })
  })
}

/** A query for the tables that have given ids. */
const countedOn = (engine: Engine): string =>
  engine === 'postgresql'
    ? `SELECT d.refobjid::regclass::text FROM pg_sequences s JOIN pg_depend d ON d.objid = format('%I.%I', s.schemaname, s.sequencename)::regclass AND d.deptype IN ('a', 'i') WHERE s.last_value IS NOT NULL`
    : 'SELECT table_name FROM information_schema.tables WHERE table_schema = database() AND auto_increment > 1'
