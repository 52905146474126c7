import { afterEach, expect, test } from 'vitest'
import { type TestMetadata, type TestMetadataOptions, testMetadata } from '../../../tests/support/metadata-service.ts'

const uuid = '00000000-0000-4000-8000-00000000000a'
const name = '/latest/meta-data/hostname'
const document = '/openstack/latest/meta_data.json'

let now = 0
let service: TestMetadata
afterEach(() => service.close())

async function start(options: TestMetadataOptions = {}): Promise<void> {
  now = Date.UTC(2026, 0, 1)
  service = await testMetadata({ now: () => now, ...options })
  await service.add(uuid, { server: { hostname: 'before' } })
}

async function statementsOf(work: () => Promise<unknown>): Promise<number> {
  const before = await service.stores.statements()
  await work()
  return (await service.stores.statements()) - before
}

test('what is known of a server is kept for a while', async () => {
  await start({ api: { metadataCacheExpiration: 15 } })
  await service.get(name, { of: uuid })
  await service.cell.servers.update(uuid, { hostname: 'after' })
  now += 14_999
  expect((await service.get(name, { of: uuid })).body).toBe('before.novalocal')
  now += 1
  expect((await service.get(name, { of: uuid })).body).toBe('after.novalocal')
})

test('nothing is kept when it is to be kept for no time', async () => {
  await start({ api: { metadataCacheExpiration: 0 } })
  await service.get(name, { of: uuid })
  await service.cell.servers.update(uuid, { hostname: 'after' })
  expect((await service.get(name, { of: uuid })).body).toBe('after.novalocal')
})

test('a server that is not there is asked for each time', async () => {
  await start()
  const late = '00000000-0000-4000-8000-00000000000b'
  expect((await service.get(name, { of: late })).status).toBe(404)
  await service.add(late)
  expect((await service.get(name, { of: late })).status).toBe(200)
})

test('statements: few for what is not kept, none for what is', async () => {
  await start()
  expect(await statementsOf(() => service.get(document, { of: uuid }))).toBe(2)
  expect(await statementsOf(() => service.get(document, { of: uuid }))).toBe(0)
  // The image's integer is made: one look before, one within the transaction, one insert
  expect(await statementsOf(() => service.get(name, { of: uuid }))).toBe(5)
  expect(await statementsOf(() => service.get(name, { of: uuid }))).toBe(0)
  now += 60_000
  expect(await statementsOf(() => service.get(name, { of: uuid }))).toBe(5)
  expect(service.asked.map(([collection]) => collection)).toEqual(['ports', 'ports'])
})

test('many who ask at once cost what one costs', async () => {
  await start()
  const all = () => Promise.all(Array.from({ length: 50 }, () => service.get(document, { of: uuid })))
  expect(await statementsOf(all)).toBe(2)
  await Promise.all(Array.from({ length: 50 }, () => service.get(name, { of: uuid })))
  expect(service.asked).toHaveLength(1)
})

test('only the EC2 tree asks Neutron, and again after it failed', async () => {
  let down = true
  await start({
    neutron: (collection) => {
      if (down) throw new Error('Neutron is down')
      return collection === 'ports' ? [{ device_id: uuid, security_groups: ['g'] }] : [{ id: 'g', name: 'web' }]
    },
  })
  expect((await service.get(document, { of: uuid })).status).toBe(200)
  expect(service.asked).toHaveLength(0)
  expect((await service.get('/latest/meta-data/security-groups', { of: uuid })).status).toBe(500)
  down = false
  expect((await service.get('/latest/meta-data/security-groups', { of: uuid })).body).toBe('web')
})
