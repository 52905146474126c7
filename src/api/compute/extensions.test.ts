import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../tests/support/compute-api.ts'

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.close())

test('the list, and one of it by its alias', async () => {
  const { extensions } = (await api.call('2.1', 'GET /extensions', undefined, { as: 'reader' })).body
  expect(extensions).toHaveLength(99)
  const aliases = extensions.map(({ alias }: { alias: string }) => alias)
  expect(aliases).toEqual([...aliases].sort())
  const { extension } = (await api.call('2.103', 'GET /extensions/os-keypairs')).body
  expect(extension).toEqual(extensions[aliases.indexOf('os-keypairs')])
  expect(extension).toMatchObject({ name: 'Keypairs', links: [], updated: '2014-12-03T00:00:00Z' })
})

const rows: [string, string, number][] = [
  ['2.1', 'GET /extensions/never', 404],
  ['2.1', 'GET /extensions/OS-EXT-VIF-NET', 404],
  ['2.101', 'GET /extensions?colour=red', 200],
  ['2.102', 'GET /extensions?colour=red', 400],
]
for (const [version, route, status] of rows)
  test(`${version} ${route} → ${status}`, async () => expect((await api.call(version, route)).status).toBe(status))
