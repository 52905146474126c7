/** Connection strings of PostgreSQL: what psycopg2 (libpq) takes after the `?`, in pg's words. */
import { readFileSync } from 'node:fs'
import type { ClientConfig } from 'pg'
import { DatabaseError } from './errors.ts'
import type { DatabaseUrl } from './url.ts'

export interface PostgresqlParameters {
  readonly options: ClientConfig
  /** Without TLS when the server has none. */
  readonly orPlain: boolean
}

type Query = Readonly<Record<string, string>>

/** What is so anyway, or what only libpq can tune. */
const harmless = [
  'client_encoding',
  'keepalives',
  'keepalives_idle',
  'keepalives_interval',
  'keepalives_count',
  'tcp_user_timeout',
  'gssencmode',
  'channel_binding',
  'sslcompression',
]
const known = new Set([
  ...harmless,
  'host',
  'hostaddr',
  'port',
  'user',
  'password',
  'dbname',
  'connect_timeout',
  'application_name',
  'fallback_application_name',
  'options',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'target_session_attrs',
])

const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']

/** Throws a DatabaseError for an option that is not known or cannot be honoured. */
export function readPostgresqlUrl(url: DatabaseUrl & { engine: 'postgresql' }, more: string): PostgresqlParameters {
  const query: Query = { ...url.query, ...Object.fromEntries(new URLSearchParams(more)) }
  for (const name of Object.keys(query)) if (!known.has(name)) throw new DatabaseError(`postgresql: cannot take the option ${name}`)
  const host = query.hostaddr ?? query.host ?? url.host ?? 'localhost'
  if (host.includes(',')) throw new DatabaseError('postgresql: several hosts cannot be given')
  if ((query.target_session_attrs ?? 'any') !== 'any' && query.target_session_attrs !== 'read-write')
    throw new DatabaseError(`postgresql: cannot take target_session_attrs=${query.target_session_attrs}`)
  const database = query.dbname ?? url.database
  const user = query.user ?? url.user
  const password = query.password ?? url.password
  return {
    options: {
      host,
      port: query.port === undefined ? (url.port ?? 5432) : Number(query.port),
      ...(user !== null && { user }),
      ...(password !== null && { password }),
      ...(database !== null && { database }),
      application_name: query.application_name ?? query.fallback_application_name ?? 'nova-ts',
      ...(query.options !== undefined && { options: query.options }),
      connectionTimeoutMillis: timeout(query.connect_timeout) * 1000,
      keepAlive: true,
      ssl: tls(query, host),
    },
    orPlain: !['require', 'verify-ca', 'verify-full'].includes(query.sslmode ?? 'prefer'),
  }
}

/** libpq waits for ever by default; here ten seconds, as PyMySQL does. */
function timeout(text: string | undefined): number {
  if (text === undefined) return 10
  if (!/^-?\d+$/.test(text)) throw new DatabaseError(`postgresql: connect_timeout=${text} is not a number of seconds`)
  // libpq: 0 and less wait for ever; that would be a day
  return Number(text) > 0 ? Math.max(2, Number(text)) : 86_400
}

/** libpq's sslmode: below verify-ca nothing is verified, unless an authority is given with `require`. */
function tls(query: Query, host: string): ClientConfig['ssl'] {
  const mode = query.sslmode ?? 'prefer'
  if (!sslModes.includes(mode)) throw new DatabaseError(`postgresql: cannot take sslmode=${mode}; one of ${sslModes.join(', ')}`)
  if (mode === 'disable' || mode === 'allow' || host.startsWith('/')) return false
  const ca = query.sslrootcert === undefined || query.sslrootcert === 'system' ? undefined : fileOf('sslrootcert', query.sslrootcert)
  const verified = mode.startsWith('verify-') || (mode === 'require' && ca !== undefined)
  return {
    rejectUnauthorized: verified,
    ...(ca !== undefined && { ca }),
    ...(query.sslcert !== undefined && { cert: fileOf('sslcert', query.sslcert) }),
    ...(query.sslkey !== undefined && { key: fileOf('sslkey', query.sslkey) }),
    ...(verified && mode !== 'verify-full' && { checkServerIdentity: () => undefined }),
  }
}

function fileOf(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new DatabaseError(`postgresql: ${name}=${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
