/** PUT /servers/:id: what is a change and what is none. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Farm, farm } from '../../../../tests/support/servers.ts'

let f: Farm
let now = Date.UTC(2026, 0, 2, 3, 4, 5)
beforeAll(async () => {
  f = await farm({}, { now: () => now })
})
afterAll(() => f.close())

const original = { displayName: 'server', autoDiskConfig: true, accessIpV4: '10.0.0.1', accessIpV6: 'fe80::1' }

test.each([
  [{ name: 'server' }, false],
  [{ name: 'other' }, true],
  [{ 'OS-DCF:diskConfig': 'AUTO' }, false],
  [{ 'OS-DCF:diskConfig': 'MANUAL' }, true],
  [{ accessIPv4: '10.0.0.1', accessIPv6: 'FE80::0001' }, false],
  [{ accessIPv6: 'fe80::2' }, true],
])('%j', async (server, isChange) => {
  const uuid = await f.server(original)
  now += 60_000
  const { status } = await f.api.call('2.1', `PUT /servers/${uuid}`, { server }, { as: 'member' })
  expect([status, (await f.row(uuid)).updatedAt !== null]).toEqual([200, isChange])
})

test('a disk config that nobody has set is set', async () => {
  const uuid = await f.server({ autoDiskConfig: null })
  await f.api.call('2.1', `PUT /servers/${uuid}`, { server: { 'OS-DCF:diskConfig': 'MANUAL' } }, { as: 'member' })
  expect((await f.row(uuid)).updatedAt).not.toBeNull()
})
