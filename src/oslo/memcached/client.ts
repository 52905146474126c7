/**
 * A client of memcached's text protocol that several services share with us: keys are spread over the servers as python-memcached spreads them. A cache that
 * fails is a cache that holds nothing: no call rejects.
 */
import { crc32 } from 'node:zlib'
import { type ServerOptions, server } from './server.ts'

export interface Memcached {
  /** Undefined when it is not there, or no server can be asked. */
  get(key: string): Promise<Buffer | undefined>
  /** For so many seconds; 0 until it is pushed out. Resolves when it is stored, or could not be. */
  set(key: string, value: Buffer, seconds: number): Promise<void>
  /** Resolves when it is gone, or no server can be asked. */
  remove(key: string): Promise<void>
  close(): void
}

export interface MemcachedOptions extends Omit<ServerOptions, 'address'> {
  /** `host`, `host:port`, `[v6]:port`, `inet6:[v6]:port` or `unix:/path`. Throws an `InvalidAddress` for others. */
  readonly servers: readonly string[]
}

/** How often another server is looked for when one is down (memcache.py Client._SERVER_RETRIES). */
const tries = 10
/** What servers take when nobody has told them otherwise. */
const mostBytes = 1024 * 1024

export function memcached({ servers, ...options }: MemcachedOptions): Memcached {
  const all = servers.map((text) => server({ ...options, address: parseAddress(text) }))

  // memcache.py Client._get_server
  function serverOf(key: string) {
    let hash = hashOf(key)
    for (let i = 0; i < tries; i++) {
      const found = all[hash % all.length]
      if (found?.usable()) return found
      hash = hashOf(`${hash}${i}`)
    }
    return undefined
  }

  return {
    get: async (key) => serverOf(key)?.get(key),
    async set(key, value, seconds) {
      if (value.length <= mostBytes) await serverOf(key)?.set(key, value, seconds)
    },
    async remove(key) {
      await serverOf(key)?.remove(key)
    },
    close() {
      for (const each of all) each.close()
    },
  }
}

// memcache.py cmemcache_hash
const hashOf = (key: string): number => (crc32(key) >>> 16) & 0x7fff

export class InvalidAddress extends Error {
  override readonly name = 'InvalidAddress'
}

export type Address = { readonly path: string } | { readonly host: string; readonly port: number }

const defaultPort = 11211

export function parseAddress(text: string): Address {
  const unix = /^unix:(.+)$/.exec(text) ?? /^(\/.+)$/.exec(text)
  if (unix) return { path: unix[1]! }
  const found = /^(?:inet6?:)?(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text)
  const port = Number(found?.[3] ?? defaultPort)
  if (!found || port < 1 || port > 65535) throw new InvalidAddress(`'${text}' is no address of a memcached, such as 10.0.0.1:11211`)
  return { host: (found[1] ?? found[2])!, port }
}
