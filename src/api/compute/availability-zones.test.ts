import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../tests/support/compute-api.ts'
import { addHost, cellOf, stored } from '../../../tests/support/hosts.ts'

const now = Date.UTC(2026, 0, 2, 3, 4, 5)
let api: TestApi
beforeAll(async () => {
  api = await testApi({ now: () => now })
  await addHost(api, 'a1')
  await addHost(api, 'a2', { seen: now - 100_000 })
  await addHost(api, 'b1', { disabled: true })
  const cell = await cellOf(api)
  await cell.services.create({ host: 'ctl', binary: 'nova-conductor', topic: 'conductor', lastSeenUp: stored(now) })
  await cell.services.create({ host: 'ctl', binary: 'nova-osapi_compute', topic: null })
  const { aggregates } = api.backends.stores.api
  const east = await aggregates.create({ uuid: crypto.randomUUID(), name: 'east', metadata: { availability_zone: 'east' } })
  await aggregates.addHost(east!.id, 'b1')
})
afterAll(() => api.close())

test('a zone is available while a service in it is enabled; the internal one is not shown', async () => {
  const { availabilityZoneInfo } = (await api.call('2.1', 'GET /os-availability-zone', undefined, { as: 'reader' })).body
  expect(availabilityZoneInfo).toEqual([
    { zoneName: 'nova', zoneState: { available: true }, hosts: null },
    { zoneName: 'east', zoneState: { available: false }, hosts: null },
  ])
})

test('in detail: hosts with their services, internal ones too, the API services left out', async () => {
  const { availabilityZoneInfo } = (await api.call('2.1', 'GET /os-availability-zone/detail')).body
  const up = (available: boolean) => ({ available, active: true, updated_at: null })
  expect(availabilityZoneInfo).toEqual([
    { zoneName: 'internal', zoneState: { available: true }, hosts: { ctl: { 'nova-conductor': up(true) } } },
    { zoneName: 'nova', zoneState: { available: true }, hosts: { a1: { 'nova-compute': up(true) }, a2: { 'nova-compute': up(false) } } },
    { zoneName: 'east', zoneState: { available: false }, hosts: null },
  ])
})

const rows: [string, string, number, 'admin' | 'member'][] = [
  ['2.1', 'GET /os-availability-zone/detail', 403, 'member'],
  ['2.101', 'GET /os-availability-zone?colour=red', 200, 'admin'],
  ['2.102', 'GET /os-availability-zone?colour=red', 400, 'admin'],
]
for (const [version, route, status, as] of rows)
  test(`${version} ${as} ${route} → ${status}`, async () => expect((await api.call(version, route, undefined, { as })).status).toBe(status))
