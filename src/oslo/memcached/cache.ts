/** What [cache] says (oslo.cache): where that is kept which several workers and hosts may share. */
import { readFileSync } from 'node:fs'
import { ConfigError } from '../config/error.ts'
import { boolean, choice, float, group, integer, list, multi, type Settings, text } from '../config/options.ts'
import type { Log } from '../log.ts'
import { InvalidAddress, type Memcached, memcached } from './client.ts'

const inMemcached = [
  'oslo_cache.memcache_pool',
  'dogpile.cache.memcached',
  'dogpile.cache.pymemcache',
  'dogpile.cache.pylibmc',
  'dogpile.cache.bmemcached',
] as const
const inProcess = ['oslo_cache.dict', 'dogpile.cache.memory', 'dogpile.cache.memory_pickle'] as const
const others = ['oslo_cache.etcd3gw', 'dogpile.cache.dbm', 'dogpile.cache.redis', 'dogpile.cache.redis_sentinel'] as const
const nothing = 'dogpile.cache.null'

/** Those of them with which oslo.cache speaks TLS. */
const withTls: readonly string[] = ['oslo_cache.memcache_pool', 'dogpile.cache.pymemcache', 'dogpile.cache.bmemcached']

export const cacheOptions = group('cache', {
  enabled: boolean('enabled', false, { help: 'Keep what guests are told where the backend says; in this process when false.' }),
  backend: choice('backend', [...inMemcached, ...inProcess, ...others, nothing], nothing, {
    help: `${inMemcached.join(', ')}: in memcached, which hosts share; ${inProcess.join(', ')}: in this process; ${nothing}: nowhere. The others are not supported: with them it is this process.`,
  }),
  backendArgument: multi('backend_argument', [], {
    secret: true,
    help: 'Arguments of the backend as NAME:VALUE. Only url is heard, the servers of memcached.',
  }),
  memcacheServers: list('memcache_servers', ['localhost:11211'], {
    help: 'The memcached: host:port, inet6:[address]:port.',
  }),
  memcacheDeadRetry: integer('memcache_dead_retry', 300, { help: 'Seconds for which one that failed is left alone.' }),
  socketTimeout: float('socket_timeout', 1, {
    deprecated: ['memcache_socket_timeout'],
    help: 'Seconds in which one has to take a connection, and to answer.',
  }),
  memcacheSaslEnabled: boolean('memcache_sasl_enabled', false, { help: 'Not supported: with it the cache is this process.' }),
  tlsEnabled: boolean('tls_enabled', false, { help: 'Speak TLS to them.' }),
  tlsCafile: text('tls_cafile', null, { help: 'Authorities that sign their certificates, as PEM.' }),
  tlsCertfile: text('tls_certfile', null, { help: 'Certificate to present to them, as PEM.' }),
  tlsKeyfile: text('tls_keyfile', null, { help: 'Key of that certificate, as PEM.' }),
  tlsAllowedCiphers: text('tls_allowed_ciphers', null, { help: 'Ciphers that may be used.' }),
})

export type CacheSettings = Settings<typeof cacheOptions>

/** Where things are kept: in this process, nowhere, or in memcached. */
export type CachePlace = 'process' | 'nowhere' | Memcached

/** Throws a `ConfigError`. What an operator should know of the settings, and of servers that fail, goes to the log. */
export function openCache(settings: CacheSettings, log: Log): CachePlace {
  const { enabled, backend } = settings
  if (!enabled || isOne(inProcess, backend)) return 'process'
  if (backend === nothing) {
    // nova/cache_utils.py _warn_if_null_backend
    log.warning(`Cache enabled with backend ${nothing}.`)
    return 'nowhere'
  }
  const unsupported = unsupportedCache(settings)
  if (unsupported) {
    log.warning(`[cache] ${unsupported.why}`)
    return 'process'
  }
  return openMemcached(settings, log)
}

/** The option that asks for what is not built, if any, and what is done instead. */
export function unsupportedCache({
  enabled,
  backend,
  memcacheSaslEnabled,
}: Pick<CacheSettings, 'enabled' | 'backend' | 'memcacheSaslEnabled'>): { readonly name: string; readonly why: string } | undefined {
  if (!enabled) return undefined
  const instead = 'is not supported: what guests are told is cached in this process.'
  if (isOne(others, backend)) return { name: 'backend', why: `backend ${backend} ${instead}` }
  return isOne(inMemcached, backend) && memcacheSaslEnabled
    ? { name: 'memcache_sasl_enabled', why: `memcache_sasl_enabled ${instead}` }
    : undefined
}

function openMemcached(settings: CacheSettings, log: Log): Memcached {
  const refuse = (name: string, why: string): never => {
    throw new ConfigError(why, { option: `[cache] ${name}` })
  }
  if (settings.tlsEnabled && !withTls.includes(settings.backend)) refuse('tls_enabled', `TLS is not known to ${settings.backend}`)
  // oslo_cache/core.py _build_cache_config: the old way to name the servers wins
  const url = settings.backendArgument.find((argument) => argument.startsWith('url:'))?.slice('url:'.length)
  try {
    return memcached({
      servers: url === undefined ? settings.memcacheServers : url.split(',').map((one) => one.trim()),
      timeoutMs: settings.socketTimeout * 1000,
      deadMs: settings.memcacheDeadRetry * 1000,
      report: (error) => log.warning(error.message),
      ...(settings.tlsEnabled && { tls: tlsOf(settings) }),
    })
  } catch (error) {
    if (error instanceof InvalidAddress) return refuse(url === undefined ? 'memcache_servers' : 'backend_argument', error.message)
    throw error
  }
}

const tlsOf = ({ tlsCafile: ca, tlsCertfile: cert, tlsKeyfile: key, tlsAllowedCiphers: ciphers }: CacheSettings) => ({
  ...(ca ? { ca: readFileSync(ca) } : {}),
  ...(cert ? { cert: readFileSync(cert) } : {}),
  ...(key ? { key: readFileSync(key) } : {}),
  ...(ciphers ? { ciphers } : {}),
})

const isOne = (all: readonly string[], one: string): boolean => all.includes(one)
