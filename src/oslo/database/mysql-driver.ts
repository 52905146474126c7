/** MySQL and MariaDB by mysql2. */
import { checkServerIdentity, type TLSSocket } from 'node:tls'
import { MysqlAdapter, MysqlIntrospector, MysqlQueryCompiler } from 'kysely'
import mysql from 'mysql2'
import { type Driver, type DriverOptions, duplicateNamed, wholeJson } from './driver.ts'
import { ConnectionLost, DatabaseBusy, DatabaseError, DatabaseUnavailable, ForeignKeyViolated } from './errors.ts'
import { type MysqlParameters, readMysqlUrl } from './mysql-url.ts'
import type { ConnectionSettings } from './options.ts'
import type { Schema } from './schema.ts'
import { openServerDriver, type ServerEngine } from './server-driver.ts'
import type { Answer, Session } from './session.ts'
import type { DatabaseUrl } from './url.ts'

/** Connects. DatabaseUnavailable when the server or the database is not there, DatabaseError when the connection string is not understood. */
export function openDriver(url: DatabaseUrl & { engine: 'mysql' }, name: string, options: DriverOptions): Promise<Driver> {
  const parameters = readMysqlUrl(url, options.settings.connectionParameters)
  const before = sessionStatement(options.settings)
  return openServerDriver(
    {
      engine,
      name,
      statementSeconds: parameters.readSeconds,
      connect: () => connect(parameters, before, { schema: options.schema, name }),
    },
    options,
  )
}

const engine: ServerEngine = {
  fragments: {
    objectOf: (key, value) => `JSON_OBJECTAGG(\`${key}\`, \`${value}\`)`,
    listOf: (columns) => `JSON_ARRAYAGG(JSON_ARRAY(${columns.join(', ')}))`,
    // MariaDB finds nothing in a text with half a character, MySQL fails
    jsonAt: (column, path) =>
      `CASE WHEN LOCATE('\\\\u', CAST(${column} AS BINARY)) = 0 THEN JSON_EXTRACT(${column}, '$${path.map((key) => `."${key}"`).join('')}') ELSE CONCAT('${wholeJson}', ${column}) END`,
    matches: 'REGEXP',
    // nova/db/utils.py _safe_regex_mysql: "|" stands for itself
    pattern: (text) => text.replaceAll('|', '\\|'),
  },
  compiler: () => new MysqlQueryCompiler(),
  adapter: () => new MysqlAdapter(),
  introspector: (db) => new MysqlIntrospector(db),
  statement: (sql) => sql,
  async integrity(ask) {
    const tables = (await ask('SELECT table_name AS name FROM information_schema.tables WHERE table_schema = database()')) as {
      name: string
    }[]
    if (tables.length === 0) return []
    const found = (await ask(`CHECK TABLE ${tables.map(({ name }) => `\`${name}\``).join(', ')}`)) as Record<string, string>[]
    return found.filter((row) => row.Msg_text !== 'OK').map((row) => `${row.Table}: ${row.Msg_text}`)
  },
}

/** What is said first on each connection (oslo_db/sqlalchemy/engines.py _set_session_variables). */
function sessionStatement({ mysqlSqlMode, mysqlWsrepSyncWait }: ConnectionSettings): string {
  // Texts are put into statements with backslashes escaped
  if (/NO_BACKSLASH_ESCAPES/i.test(mysqlSqlMode)) throw new DatabaseError('mysql_sql_mode: NO_BACKSLASH_ESCAPES cannot be used')
  const wsrep = mysqlWsrepSyncWait === null ? '' : `, wsrep_sync_wait = ${mysqlWsrepSyncWait}`
  // MariaDB cuts lists of JSON off there, which some servers have set low
  return `SET SESSION group_concat_max_len = ${2 ** 30}, sql_mode = ${mysql.escape(mysqlSqlMode)}${wsrep}`
}

interface Place {
  readonly schema: Schema
  readonly name: string
}

function connect({ options, charset, initCommand, certifiedAddress }: MysqlParameters, settings: string, place: Place): Promise<Session> {
  // Told of it by the server, mysql2 would write CESU-8, character by character; PyMySQL sends plain UTF-8
  const spoken = "session_track_system_variables = '', character_set_client = utf8, character_set_connection = utf8"
  const before = charset === 'utf8mb4' ? settings : `${settings}, ${spoken}`
  return new Promise((resolve, reject) => {
    const connection = mysql.createConnection(options)
    const failed = (error: Error) => {
      connection.destroy()
      reject(translate(error, place, ''))
    }
    connection.once('error', failed)
    if (certifiedAddress !== null) requireAddress(connection, certifiedAddress)
    connection.connect((error) => {
      if (error) {
        failed(error)
        return
      }
      connection.removeListener('error', failed)
      const session = new MysqlSession(connection, place)
      const prepared = initCommand === null ? session.run(before, []) : session.run(before, []).then(() => session.run(initCommand, []))
      prepared.then(
        () => resolve(session),
        (reason: unknown) => {
          session.destroy()
          reject(reason)
        },
      )
    })
  })
}

/** mysql2 compares a certificate with names only; here with an address, after the handshake of TLS and before anything is said. */
function requireAddress(connection: mysql.Connection, address: string): void {
  const secured = connection as unknown as { startTLS(done: (error?: Error) => void): void; stream: TLSSocket }
  const startTls = secured.startTLS.bind(connection)
  secured.startTLS = (done) => startTls((error) => done(error ?? checkServerIdentity(address, secured.stream.getPeerCertificate(true))))
}

class MysqlSession implements Session {
  lost = false
  onLost: (() => void) | undefined
  readonly #connection: mysql.Connection
  readonly #place: Place

  constructor(connection: mysql.Connection, place: Place) {
    this.#connection = connection
    this.#place = place
    connection.on('error', () => this.#broken())
    connection.on('end', () => this.#broken())
  }

  #broken(): void {
    if (this.lost) return
    this.lost = true
    this.onLost?.()
  }

  run(sql: string, parameters: readonly unknown[]): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#connection.query(parameters.length === 0 ? sql : filled(sql, parameters), (error, result) => {
        if (!error) return resolve(answerOf(result as mysql.ResultSetHeader | mysql.RowDataPacket[]))
        const translated = translate(error, this.#place, sql)
        if (translated instanceof ConnectionLost) this.#broken()
        reject(translated)
      })
    })
  }

  ping(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no answer')), pingMs)
      this.#connection.ping((error) => {
        clearTimeout(timer)
        if (error) reject(error)
        else resolve()
      })
    })
  }

  end(): void {
    if (this.lost) this.#connection.destroy()
    else this.#connection.end(() => this.#connection.destroy())
    this.lost = true
  }

  destroy(): void {
    this.lost = true
    this.#connection.destroy()
  }
}

const pingMs = 3000

function answerOf(result: mysql.ResultSetHeader | mysql.RowDataPacket[]): Answer {
  if (Array.isArray(result)) return { rows: result, affected: undefined, insertId: undefined }
  return { rows: [], affected: BigInt(result.affectedRows), insertId: result.insertId ? BigInt(result.insertId) : undefined }
}

/** Statements cut at their `?`, by their text: most are asked again and again. */
const cut = new Map<string, readonly string[]>()
const mostCut = 500
const longestCut = 20_000
// Of what reads their rows mysql2 has room for 15,000, half a megabyte when all of it is empty
mysql.setMaxParserCache(mostCut)

function piecesOf(sql: string): readonly string[] {
  let pieces = cut.get(sql)
  if (!pieces) {
    if (sql.length > longestCut) return sql.split('?')
    if (cut.size >= mostCut) cut.clear()
    cut.set(sql, (pieces = sql.split('?')))
  }
  return pieces
}

/** The statement with its parameters in it. One that has `?` of its own, in a text say, is left to mysql2, which knows where texts are. */
function filled(sql: string, parameters: readonly unknown[]): string {
  const pieces = piecesOf(sql)
  if (pieces.length !== parameters.length + 1) return mysql.format(sql, parameters.map(plain))
  let out = pieces[0]!
  for (let i = 0; i < parameters.length; i++) out += mysql.escape(plain(parameters[i])) + pieces[i + 1]!
  return out
}

/** mysql2 would spell objects in ways of its own; statements take plain values only. */
function plain(value: unknown): string | number | boolean | null {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return String(value)
  throw new DatabaseError(`a parameter must be a plain value, not ${typeof value}`)
}

/** Error numbers by what they mean; oslo_db/sqlalchemy/exc_filters.py. */
const meanings: readonly [codes: readonly number[], make: (message: string, cause: unknown) => Error][] = [
  // deadlock (Galera's certification failure too), lock wait timeout, MariaDB's changed snapshot
  [[1213, 1205, 1020], (message, cause) => new DatabaseBusy(message, { cause })],
  [[1216, 1217, 1451, 1452], (message, cause) => new ForeignKeyViolated(message, { cause })],
  // shut down, killed, gone, lost while it was asked, timed out by the server, Galera node not ready
  [[1053, 1077, 1078, 1079, 1927, 2006, 2013, 4031, 3169, 1047], (message, cause) => new ConnectionLost(message, { cause })],
  // who one is, or may do
  [[1044, 1045, 1142, 1251, 1698], (message, cause) => new DatabaseError(message, { cause })],
  // unknown database, too many connections, blocked host
  [[1049, 1040, 1203, 1129], (message, cause) => new DatabaseUnavailable(message, { cause })],
]

const networkErrors =
  /^(PROTOCOL_|ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_AGAIN|ENOENT$|EACCES$|HANDSHAKE_|ERR_(TLS|SSL)|ERR_STREAM_DESTROYED|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO_)/

function translate(error: Error, { schema, name }: Place, sql: string): Error {
  const { errno, code } = error as { errno?: number; code?: string }
  const message = `${name}: ${error.message}`
  if (errno === 1062) {
    const [, key = ''] = /for key '(?:[^'.]+\.)?([^']+)'/.exec(error.message) ?? []
    const [, table = ''] = /^\s*(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+`?(\w+)|^/i.exec(sql) ?? []
    return duplicateNamed(schema, table || tableOfUpdate(sql), key, 64, error)
  }
  const known = meanings.find(([codes]) => codes.includes(errno ?? 0))
  if (known) return known[1](message, error)
  if ((code && networkErrors.test(code)) || /in closed state|closed connection/.test(error.message))
    return new ConnectionLost(message, { cause: error })
  return error
}

const tableOfUpdate = (sql: string): string => /^\s*UPDATE\s+`?(\w+)/i.exec(sql)?.[1] ?? ''
