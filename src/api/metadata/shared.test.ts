import { afterEach, beforeEach, expect, test } from 'vitest'
import { type TestMetadata, type TestMetadataOptions, testMetadata } from '../../../tests/support/metadata-service.ts'
import { memcached } from '../../oslo/memcached/client.ts'
import { type TestMemcached, testMemcached } from '../../oslo/memcached/fixture.ts'

const uuid = '00000000-0000-4000-8000-00000000000a'
const name = '/latest/meta-data/hostname'
const document = '/openstack/latest/meta_data.json'
const leaves = [
  document,
  name,
  '/latest/meta-data/ami-id',
  '/latest/meta-data/block-device-mapping/',
  '/openstack/latest/network_data.json',
  '/latest/user-data',
]

let now = 0
let server: TestMemcached
const open: (() => unknown)[] = []
beforeEach(async () => {
  now = Date.UTC(2026, 0, 1)
  server = await testMemcached()
  open.push(server.close)
})
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function service(options: TestMetadataOptions = {}): Promise<TestMetadata> {
  const cache = memcached({ servers: [server.at], timeoutMs: 200, deadMs: 60_000 })
  const found = await testMetadata({ cache, now: () => now, api: { metadataCacheExpiration: 15 }, ...options })
  open.push(found.close, cache.close)
  return found
}

/** Two over the same databases, and a server. */
async function two(): Promise<[TestMetadata, TestMetadata]> {
  const one = await service()
  await one.add(uuid, {
    server: { hostname: 'before', userData: Buffer.from('größe').toString('base64') },
    metadata: { a: 'ü' },
    blockDevices: [{ sourceType: 'volume', destinationType: 'volume', deviceName: '/dev/vdb', deleted: 0 }],
  })
  return [one, await service({ over: one })]
}

const withoutSeed = (text: string) => text.replace(/"random_seed": "[^"]*"/, '')
const tellsAll = async ({ get }: TestMetadata) => {
  const told: string[] = []
  for (const path of leaves) told.push(withoutSeed((await get(path, { of: uuid })).body))
  return told
}

test('what one has found another tells, and asks nobody', async () => {
  const [one, other] = await two()
  const told = await tellsAll(one)
  const before = await one.stores.statements()
  expect(await tellsAll(other)).toEqual(told)
  expect((await one.stores.statements()) - before).toBe(0)
  expect(other.asked).toEqual([])
})

test('both find it old at the same time', async () => {
  const [one, other] = await two()
  await one.get(name, { of: uuid })
  now += 10_000
  await other.get(name, { of: uuid })
  await one.cell.servers.update(uuid, { hostname: 'after' })
  now += 4_999
  expect((await other.get(name, { of: uuid })).body).toBe('before.novalocal')
  now += 1
  expect((await other.get(name, { of: uuid })).body).toBe('after.novalocal')
})

test('keys and times are such as memcached takes, whatever the id is', async () => {
  const [one] = await two()
  await one.get(name, { of: uuid })
  await one.get(name, { of: `${'x'.repeat(300)} y` })
  const kept = [...server.kept]
  expect(kept.map(([key]) => key)).toEqual([
    expect.stringMatching(/^nova-ts-1-guest-[0-9a-f]{64}$/),
    expect.stringMatching(/^nova-ts-1-ec2-[0-9a-f]{64}$/),
  ])
  expect(kept.map(([, { seconds }]) => seconds)).toEqual(['15', '15'])
})

test('a password that a guest has set is seen by whoever asks next', async () => {
  const [one, other] = await two()
  await one.get(document, { of: uuid })
  await one.get('/openstack/latest/password', { of: uuid, method: 'POST', body: 'secret' })
  expect((await other.get('/openstack/latest/password', { of: uuid })).body).toBe('secret')
})

test('what is no answer of ours is not believed', async () => {
  const [one, other] = await two()
  await one.get(name, { of: uuid })
  const [key] = server.kept.keys()
  for (const value of ['', '{', '[1]', 'null', `[${now + 1000}]`]) {
    server.kept.set(key!, { value, flags: '0', seconds: '15' })
    expect((await other.get(name, { of: uuid })).body).toBe('before.novalocal')
    now += 15_000
  }
})

test('another project does not get it from there', async () => {
  const [one, other] = await two()
  await one.get(name, { of: uuid })
  expect((await other.get(name, { of: uuid, headers: { 'x-tenant-id': 'b'.repeat(32) } })).status).toBe(404)
})

test('without an answer from memcached it goes on, and is soon left alone', async () => {
  const [one] = await two()
  server.mute = true
  const start = performance.now()
  expect((await one.get(document, { of: uuid })).status).toBe(200)
  now += 15_000
  expect((await one.get(document, { of: uuid })).status).toBe(200)
  expect(performance.now() - start).toBeLessThan(2_000)
  expect(server.asked.length).toBeLessThanOrEqual(2)
})

test('nowhere keeps nothing', async () => {
  const one = await service({ cache: 'nowhere' })
  await one.add(uuid, { server: { hostname: 'before' } })
  await one.get(name, { of: uuid })
  await one.cell.servers.update(uuid, { hostname: 'after' })
  expect((await one.get(name, { of: uuid })).body).toBe('after.novalocal')
})
