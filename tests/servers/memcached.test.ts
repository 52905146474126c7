/** What guests are told, shared through a real memcached, which dies, hangs and comes back. */
import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defaultsOf } from '../../src/oslo/keystoneauth/fixture.ts'
import type { Log } from '../../src/oslo/log.ts'
import { cacheOptions, openCache } from '../../src/oslo/memcached/cache.ts'
import { freePorts } from '../support/free-ports.ts'
import { type TestMetadata, testMetadata } from '../support/metadata-service.ts'

const uuid = '00000000-0000-4000-8000-00000000000a'
const name = '/latest/meta-data/hostname'

let port = 0
let server: ChildProcess
const open: (() => unknown)[] = []
const warnings: string[] = []
beforeEach(async () => {
  warnings.length = 0
  port = await freePorts(1)
  await start()
})
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
  server.kill('SIGKILL')
})

async function start(): Promise<void> {
  server = spawn('memcached', ['-l', '127.0.0.1', '-p', String(port), '-m', '16', '-u', process.getuid!() === 0 ? 'nobody' : ''], {
    stdio: 'ignore',
  })
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, '127.0.0.1')
    const up = await new Promise<boolean>((done) => socket.on('connect', () => done(true)).on('error', () => done(false)))
    socket.destroy()
    if (up) return
    await pause(25)
  }
  throw new Error('memcached did not start')
}

async function service(over?: TestMetadata): Promise<TestMetadata> {
  const warning: Log['warning'] = (text) => void warnings.push(text)
  const log = { debug: warning, info: warning, warning, error: warning }
  const settings = defaultsOf(cacheOptions.options, {
    enabled: true,
    backend: 'oslo_cache.memcache_pool',
    memcacheServers: [`127.0.0.1:${port}`],
    memcacheDeadRetry: 1,
    socketTimeout: 0.3,
  })
  const cache = openCache(settings, log)
  const found = await testMetadata({ cache, api: { metadataCacheExpiration: 60 }, ...(over && { over }) })
  open.push(found.close, () => typeof cache === 'object' && cache.close())
  return found
}

async function statements(over: TestMetadata, work: () => Promise<unknown>): Promise<number> {
  const before = await over.stores.statements()
  await work()
  return (await over.stores.statements()) - before
}

/** What a service that has just started asks the databases for. */
const ofNewcomer = async (one: TestMetadata) => {
  const other = await service(one)
  return statements(one, async () => expect((await other.get(name, { of: uuid })).status).toBe(200))
}

test('services share what they know while memcached is there', async () => {
  const one = await service()
  await one.add(uuid)
  await one.get(name, { of: uuid })
  expect(await ofNewcomer(one)).toBe(0)
  server.kill('SIGKILL')
  await new Promise((done) => server.once('exit', done))
  expect(await ofNewcomer(one)).toBeGreaterThan(0)
  await start()
  await pause(1_100)
  const back = await service(one)
  await back.get(name, { of: uuid })
  expect(await ofNewcomer(one)).toBe(0)
})

test('one that hangs costs a request its timeout and no more', async () => {
  const one = await service()
  await one.add(uuid)
  server.kill('SIGSTOP')
  const began = performance.now()
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await one.get(name, { of: uuid })).status))
  expect([new Set(statuses), performance.now() - began < 2_000]).toEqual([new Set([200]), true])
  expect(warnings).toEqual([`memcached 127.0.0.1:${port}: no answer within 300 ms`])
  server.kill('SIGCONT')
})
