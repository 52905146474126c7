/** Connection strings of MySQL and MariaDB: what PyMySQL takes after the `?`, in mysql2's words. */
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import type { ConnectionOptions, SslOptions } from 'mysql2'
import { DatabaseError } from './errors.ts'
import type { DatabaseUrl } from './url.ts'

export interface MysqlParameters {
  readonly options: ConnectionOptions
  /** What is sent. oslo_db/sqlalchemy/engines.py: utf8 unless the URL says more; with utf8mb4, MariaDB 11 refuses to look for 😀 in a column of utf8mb3. */
  readonly charset: 'utf8' | 'utf8mb4'
  /** Said on each connection after it is made. */
  readonly initCommand: string | null
  /** The address that the server's certificate must name, where mysql2 does not see to that. */
  readonly certifiedAddress: string | null
  /** How long an answer may take. */
  readonly readSeconds: number
}

type Query = Readonly<Record<string, string>>

/** No meaning here: Python's own affairs, or what is so anyway. */
const harmless = new Set(['use_unicode', 'binary_prefix', 'local_infile', 'autocommit', 'write_timeout', 'program_name', 'ssl'])

const known = new Set([
  ...harmless,
  'charset',
  'unix_socket',
  'connect_timeout',
  'read_timeout',
  'init_command',
  'ssl_ca',
  'ssl_capath',
  'ssl_cert',
  'ssl_key',
  'ssl_cipher',
  'ssl_check_hostname',
  'ssl_verify_cert',
  'ssl_verify_identity',
  'ssl_disabled',
])

/** Throws a DatabaseError for an option that is not known or cannot be honoured. */
export function readMysqlUrl(url: DatabaseUrl & { engine: 'mysql' }, more: string): MysqlParameters {
  const query: Query = { ...url.query, ...Object.fromEntries(new URLSearchParams(more)) }
  for (const name of Object.keys(query)) if (!known.has(name)) throw new DatabaseError(`mysql: cannot take the option ${name}`)
  if (query.charset !== undefined && !/^utf8(mb[34])?$/i.test(query.charset))
    throw new DatabaseError(`mysql: cannot take charset=${query.charset}, only utf8, utf8mb3 and utf8mb4`)
  if (url.host?.includes(',')) throw new DatabaseError('mysql: several hosts cannot be given')
  const secured = tls(query)
  const address = url.host !== null && query.unix_socket === undefined && isIP(url.host) !== 0 ? url.host : null
  return {
    options: {
      ...(query.unix_socket === undefined ? { host: url.host ?? 'localhost', port: url.port ?? 3306 } : { socketPath: query.unix_socket }),
      user: url.user ?? '',
      ...(url.password !== null && { password: url.password }),
      ...(url.database !== null && { database: url.database }),
      connectTimeout: seconds(query, 'connect_timeout', 10) * 1000,
      // What comes is read so in any case: the utf8 of three bytes is another encoding to mysql2, and eight times slower
      charset: 'utf8mb4',
      dateStrings: true,
      jsonStrings: true,
      decimalNumbers: true,
      stringifyObjects: true,
      enableKeepAlive: true,
      // Statements come whole; what is kept of prepared ones is half a megabyte for each connection, used or not
      queryFormat: (sql) => sql,
      maxPreparedStatements: 1,
      // A server must not be able to ask for our files
      flags: ['-LOCAL_FILES'],
      // Of an address mysql2 would ask for a certificate of `localhost`
      ...(secured && { ssl: { ...secured, verifyIdentity: secured.verifyIdentity === true && address === null } }),
    },
    charset: /mb4$/i.test(query.charset ?? '') ? 'utf8mb4' : 'utf8',
    certifiedAddress: secured?.verifyIdentity ? address : null,
    initCommand: query.init_command ?? null,
    readSeconds: seconds(query, 'read_timeout', 60),
  }
}

function seconds(query: Query, name: string, initial: number): number {
  const value = query[name]
  if (value === undefined) return initial
  if (!(Number(value) > 0)) throw new DatabaseError(`mysql: ${name}=${value} is not a number of seconds`)
  return Number(value)
}

/** pymysql/connections.py _create_ssl_ctx: without an authority nothing is verified; with one, the name is too unless it says no. */
function tls(query: Query): SslOptions | undefined {
  const asked = Object.keys(query).some((name) => name.startsWith('ssl_') && name !== 'ssl_disabled') || isTrue(query.ssl)
  if (!asked || isTrue(query.ssl_disabled)) return undefined
  if (query.ssl_capath !== undefined) throw new DatabaseError('mysql: ssl_capath cannot be used; name one file with ssl_ca')
  const verified = query.ssl_ca !== undefined || isTrue(query.ssl_verify_cert)
  const named = query.ssl_check_hostname === undefined ? verified : !isFalse(query.ssl_check_hostname)
  return {
    ...(query.ssl_ca !== undefined && { ca: fileOf('ssl_ca', query.ssl_ca) }),
    ...(query.ssl_cert !== undefined && { cert: fileOf('ssl_cert', query.ssl_cert) }),
    ...(query.ssl_key !== undefined && { key: fileOf('ssl_key', query.ssl_key) }),
    ...(query.ssl_cipher !== undefined && { ciphers: query.ssl_cipher }),
    rejectUnauthorized: verified && !isFalse(query.ssl_verify_cert),
    verifyIdentity: verified && (named || isTrue(query.ssl_verify_identity)),
  }
}

function fileOf(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new DatabaseError(`mysql: ${name}=${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

const isTrue = (text: string | undefined): boolean => text !== undefined && /^(true|1|yes|on|y|t)$/i.test(text)
const isFalse = (text: string | undefined): boolean => text !== undefined && /^(false|0|no|off|n|f)$/i.test(text)
