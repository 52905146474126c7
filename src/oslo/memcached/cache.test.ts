import { afterEach, expect, test } from 'vitest'
import { defaultsOf } from '../keystoneauth/fixture.ts'
import type { Log } from '../log.ts'
import { type CachePlace, cacheOptions, openCache } from './cache.ts'
import { type TestMemcached, testMemcached } from './fixture.ts'

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

function opened(given: object): { place: CachePlace; warnings: string[] } {
  const warnings: string[] = []
  const write = (text: string) => void warnings.push(text)
  const log: Log = { debug: write, info: write, warning: write, error: write }
  const place = openCache(defaultsOf(cacheOptions.options, given), log)
  if (typeof place === 'object') open.push(place.close)
  return { place, warnings }
}

const rows: [given: object, place: string, warning?: RegExp][] = [
  [{}, 'process'],
  [{ backend: 'dogpile.cache.memcached' }, 'process'],
  [{ enabled: true }, 'nowhere', /^Cache enabled with backend dogpile\.cache\.null\.$/],
  [{ enabled: true, backend: 'oslo_cache.dict' }, 'process'],
  [{ enabled: true, backend: 'dogpile.cache.memory' }, 'process'],
  [{ enabled: true, backend: 'dogpile.cache.memcached' }, 'memcached'],
  [{ enabled: true, backend: 'oslo_cache.memcache_pool', tlsEnabled: true }, 'memcached'],
  [{ enabled: true, backend: 'dogpile.cache.pymemcache', memcacheSaslEnabled: true }, 'process', /memcache_sasl_enabled is not supported/],
  [{ enabled: true, backend: 'dogpile.cache.redis' }, 'process', /backend dogpile\.cache\.redis is not supported/],
]
for (const [given, place, warning] of rows)
  test(`${JSON.stringify(given)} → ${place}`, () => {
    const found = opened(given)
    expect(typeof found.place === 'object' ? 'memcached' : found.place).toBe(place)
    expect(found.warnings).toEqual(warning ? [expect.stringMatching(warning)] : [])
  })

const refused: [given: object, option: string][] = [
  [{ memcacheServers: ['a:b:c'] }, '[cache] memcache_servers'],
  [{ backendArgument: ['url:host:0'] }, '[cache] backend_argument'],
  [{ backend: 'dogpile.cache.memcached', tlsEnabled: true }, '[cache] tls_enabled'],
]
for (const [given, option] of refused)
  test(`${JSON.stringify(given)} is refused`, () => {
    expect(() => opened({ enabled: true, backend: 'oslo_cache.memcache_pool', ...given })).toThrow(expect.objectContaining({ option }))
  })

test('servers that are named as the argument url win', async () => {
  const server: TestMemcached = await testMemcached()
  open.push(server.close)
  const { place } = opened({ enabled: true, backend: 'dogpile.cache.memcached', backendArgument: [`url:${server.at}`] })
  await (place as Exclude<CachePlace, string>).set('a', Buffer.from('x'), 1)
  expect([...server.kept.keys()]).toEqual(['a'])
})
