/** The servers that `npm run databases` has started, as the tests beside this file use them. */
import mysql from 'mysql2/promise'
import pg from 'pg'
import { parseUrl } from '../../src/oslo/database/url.ts'
import { createDatabase } from '../support/server-databases.ts'

export interface Engine {
  readonly name: 'mysql' | 'postgresql'
  /** Ends where the name of a database follows. */
  readonly server: string
}

export const engines: readonly Engine[] = [
  { name: 'mysql', server: need('NOVA_TEST_MARIADB') },
  { name: 'postgresql', server: need('NOVA_TEST_POSTGRESQL') },
]

export function need(variable: string): string {
  const value = process.env[variable]
  if (value === undefined) throw new Error(`${variable} is not set: run these tests by npm run databases`)
  return value
}

/** An empty database; its connection string. */
export async function newDatabase({ server }: Pick<Engine, 'server'>): Promise<string> {
  const name = `n${crypto.randomUUID().slice(0, 8)}`
  await createDatabase(server, name)
  return `${server}${name}`
}

/** A connection beside the driver under test: asks, and shuts others out. */
export interface Beside {
  ask(sql: string): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

export async function beside(url: string): Promise<Beside> {
  const parts = parseUrl(url)
  if (parts.engine === 'sqlite') throw new Error('no server')
  const place = { host: parts.host!, port: parts.port!, user: parts.user!, password: parts.password!, database: parts.database! }
  if (parts.engine === 'mysql') {
    const connection = await mysql.createConnection(place)
    return { ask: async (sql) => (await connection.query(sql))[0] as Record<string, unknown>[], close: () => connection.end() }
  }
  const client = new pg.Client(place)
  await client.connect()
  return { ask: async (sql) => (await client.query(sql)).rows, close: () => client.end() }
}

/** Cuts every other connection to the database of `url`, as an administrator would; how many there were. */
export async function cutOthers(url: string): Promise<number> {
  const other = await beside(url)
  const { engine } = parseUrl(url)
  try {
    if (engine === 'postgresql')
      return (
        await other.ask(
          'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
        )
      ).length
    const found = await other.ask('SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()')
    for (const { id, ID } of found) await other.ask(`KILL ${id ?? ID}`)
    return found.length
  } finally {
    await other.close()
  }
}

/** What signed the certificate of an engine's server, which is for `localhost`, and another authority. */
export const certificatesOf = (name: Engine['name']): { readonly ca: string; readonly stranger: string } =>
  JSON.parse(need(name === 'mysql' ? 'NOVA_TEST_CERTIFICATES' : 'NOVA_TEST_CERTIFICATES_POSTGRESQL'))
