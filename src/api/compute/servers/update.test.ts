/** PUT /servers/:id: what is a change, and when it was. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Farm, farm } from '../../../../tests/support/servers.ts'

let f: Farm
let now = Date.UTC(2026, 0, 2, 3, 4, 5)
beforeAll(async () => {
  f = await farm({}, { now: () => now })
})
afterAll(() => f.close())

const original = { displayName: 'server', autoDiskConfig: true, accessIpV4: '10.0.0.1', updatedAt: '2026-01-01 00:00:00.000000' }

test('deleting a server that is being deleted changes it, but nothing is sent', async () => {
  const uuid = await f.server({ ...original, taskState: 'deleting', progress: 7 })
  expect((await f.api.call('2.1', `DELETE /servers/${uuid}`, undefined, { as: 'member' })).status).toBe(204)
  expect(await f.row(uuid)).toMatchObject({ taskState: 'deleting', progress: 0, updatedAt: expect.stringMatching(/^2026-01-02/) })
  expect(await f.heard()).toEqual([])
})

// What a running Nova answers: the time of the change is only told afterwards, and what was so before counts, too
test.each([
  [{ name: 'server' }, true],
  [{ name: 'other' }, true],
  [{ 'OS-DCF:diskConfig': 'AUTO' }, true],
  [{ accessIPv4: '10.0.0.1' }, true],
  [{}, false],
])('%j', async (server, isChange) => {
  const uuid = await f.server(original)
  now += 60_000
  const put = await f.api.call('2.1', `PUT /servers/${uuid}`, { server }, { as: 'member' })
  expect([put.status, put.body.server.updated]).toEqual([200, '2026-01-01T00:00:00Z'])
  const { body } = await f.api.call('2.1', `GET /servers/${uuid}`, undefined, { as: 'member' })
  expect(body.server.updated !== '2026-01-01T00:00:00Z').toBe(isChange)
})

test('a server that goes away meanwhile could not be found', async () => {
  const uuid = await f.server(original)
  const { transitions, servers } = f.cell
  const { apply } = transitions
  Object.assign(transitions, { apply: async (...given: Parameters<typeof apply>) => (await servers.destroy(uuid)) && apply(...given) })
  const put = await f.api.call('2.1', `PUT /servers/${uuid}`, { server: { name: 'late' } }, { as: 'member' })
  Object.assign(transitions, { apply })
  expect([put.status, put.body.itemNotFound.message]).toEqual([404, 'Instance could not be found'])
})
