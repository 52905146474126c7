import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type Memcached, memcached, parseAddress } from './client.ts'
import { type TestMemcached, testMemcached } from './fixture.ts'

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0)) close()
})

async function fake(port = 0): Promise<TestMemcached> {
  const server = await testMemcached(port)
  open.push(server.close)
  return server
}

interface House {
  readonly cache: Memcached
  readonly reports: string[]
  later(ms: number): void
}
function house(servers: string[], timeoutMs = 500): House {
  const reports: string[] = []
  let shift = 0
  const cache = memcached({
    servers,
    timeoutMs,
    deadMs: 60_000,
    report: (error) => reports.push(error.message),
    now: () => performance.now() + shift,
  })
  open.push(cache.close)
  return {
    cache,
    reports,
    later: (ms) => {
      shift += ms
    },
  }
}
const text = async (cache: Memcached, key: string) => (await cache.get(key))?.toString()

test('what is set is got, with its time, as bare bytes', async () => {
  const server = await fake()
  const { cache } = house([server.at])
  expect(await cache.get('a')).toBeUndefined()
  await cache.set('a', Buffer.from('größe'), 300)
  expect(await text(cache, 'a')).toBe('größe')
  expect(server.kept.get('a')).toMatchObject({ flags: '0', seconds: '300' })
})

test('what is removed is gone, and may not have been there', async () => {
  const server = await fake()
  const { cache, reports } = house([server.at])
  await cache.set('a', Buffer.from('x'), 1)
  await cache.remove('a')
  await cache.remove('a')
  expect([await cache.get('a'), server.kept.size, reports]).toEqual([undefined, 0, []])
})

test('many at once, over one connection, in small pieces', async () => {
  const server = await fake()
  server.pieces = 7
  const { cache } = house([server.at])
  const keys = Array.from({ length: 50 }, (_, i) => `k${i}`)
  await Promise.all(keys.map((key) => cache.set(key, Buffer.from(`${key}\r\nEND\r\n`), 1)))
  expect(await Promise.all(keys.map((key) => text(cache, key)))).toEqual(keys.map((key) => `${key}\r\nEND\r\n`))
  expect(server.sockets.size).toBe(1)
})

test('keys are spread as python-memcached spreads them', async () => {
  const servers = [await fake(), await fake(), await fake()]
  const { cache } = house(servers.map(({ at }) => at))
  // ((crc32(key) & 0xffffffff) >> 16) & 0x7fff, modulo three
  const rows: [key: string, server: number][] = [
    ['a', 2],
    ['b', 0],
    ['c', 2],
    ['d', 2],
    ['tokens/0', 2],
    ['tokens/5', 2],
    ['tokens/7', 2],
  ]
  for (const [key] of rows) await cache.set(key, Buffer.from('x'), 1)
  expect(rows.map(([key]) => servers.findIndex(({ kept }) => kept.has(key)))).toEqual(rows.map(([, server]) => server))
})

test('what is pickled or too large is left alone', async () => {
  const server = await fake()
  const { cache } = house([server.at])
  server.kept.set('pickled', { value: 'x', flags: '1', seconds: '0' })
  server.kept.set('text', { value: 'x', flags: '16', seconds: '0' })
  expect([await text(cache, 'pickled'), await text(cache, 'text')]).toEqual([undefined, 'x'])
  await cache.set('large', Buffer.alloc(1024 * 1024 + 1), 1)
  await cache.set('largest', Buffer.alloc(1024 * 1024), 1)
  expect([server.kept.has('large'), server.kept.has('largest')]).toEqual([false, true])
})

describe('a server that fails', () => {
  test('is left alone for a while, and used again then', async () => {
    const server = await fake()
    const port = Number(server.at.split(':')[1])
    const { cache, reports, later } = house([server.at])
    await cache.set('a', Buffer.from('x'), 1)
    server.close()
    expect(await cache.get('a')).toBeUndefined()
    expect(await cache.get('a')).toBeUndefined()
    expect(reports.length).toBeLessThanOrEqual(2)
    const back = await fake(port)
    await cache.get('a')
    expect(back.asked).toEqual([])
    later(60_000)
    await cache.set('a', Buffer.from('y'), 1)
    expect(await text(cache, 'a')).toBe('y')
  })

  test('gives its keys to another', async () => {
    const [first, second] = [await fake(), await fake()]
    const { cache } = house([first.at, second.at])
    first.close()
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) await cache.set(key, Buffer.from(key), 1)
    const kept = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map((key) => text(cache, key)))
    // the one at whose request the failure is noticed is lost
    expect(kept.filter((value) => value === undefined).length).toBeLessThanOrEqual(1)
  })

  test('and says nothing holds nobody up', async () => {
    const server = await fake()
    server.mute = true
    const { cache, reports } = house([server.at], 100)
    const start = performance.now()
    expect(await Promise.all([cache.get('a'), cache.get('b')])).toEqual([undefined, undefined])
    expect(performance.now() - start).toBeLessThan(1_000)
    expect(reports).toEqual([`memcached ${server.at}: no answer within 100 ms`])
  })

  test('and is no memcached is not believed', async () => {
    const other = createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    open.push(() => other.close())
    const { cache, reports } = house([`127.0.0.1:${(other.address() as AddressInfo).port}`])
    expect(await cache.get('a')).toBeUndefined()
    expect(reports.join()).toContain('HTTP/1.1 400')
  })
})

describe('addresses', () => {
  const rows: [text: string, address: object | null][] = [
    ['10.0.0.1:1', { host: '10.0.0.1', port: 1 }],
    ['cache', { host: 'cache', port: 11211 }],
    ['[::1]:5', { host: '::1', port: 5 }],
    ['inet6:[fe80::1]:11211', { host: 'fe80::1', port: 11211 }],
    ['inet:cache:1', { host: 'cache', port: 1 }],
    ['unix:/run/m.sock', { path: '/run/m.sock' }],
    ['cache:0', null],
    ['cache:65536', null],
    ['a:b:c', null],
    ['', null],
  ]
  for (const [text, address] of rows)
    test(text || '(empty)', () => {
      if (address) expect(parseAddress(text)).toEqual(address)
      else expect(() => parseAddress(text)).toThrow(/is no address of a memcached/)
    })
})
