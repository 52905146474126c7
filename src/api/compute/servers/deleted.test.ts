/** What is left of servers, and of what was noted about them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Farm, farm } from '../../../../tests/support/servers.ts'

let f: Farm
beforeAll(async () => {
  f = await farm()
})
afterAll(() => f.close())

test('a deleted server shows its image’s properties and why it was locked, but no metadata, tags or volumes', async () => {
  const uuid = await f.server({
    metadata: { colour: 'red' },
    tags: ['blue'],
    systemMetadata: { image_os_distro: 'debian', locked_reason: 'care' },
  })
  const shown = async (query: string) => {
    const { body } = await f.api.call('2.98', `GET /servers/detail?all_tenants=1${query}`, undefined, { as: 'admin' })
    return body.servers.find(({ id }: { id: string }) => id === uuid)
  }
  const same = { image: { properties: { os_distro: 'debian' } }, locked_reason: 'care', flavor: { original_name: 'small' } }
  expect(await shown('')).toMatchObject({ ...same, status: 'ACTIVE', metadata: { colour: 'red' }, tags: ['blue'] })
  expect(await f.cell.servers.destroy(uuid)).toBe(true)
  expect(await shown('')).toBeUndefined()
  const gone = await shown('&deleted=true')
  expect(gone).toMatchObject({ ...same, status: 'DELETED' })
  expect([gone.metadata, gone.tags, gone['os-extended-volumes:volumes_attached']]).toEqual([{}, [], []])
})

test('the status of a host is what the first of its servers in a list says, and a deleted one knows none', async () => {
  const statuses = async (names: string) => {
    const query = `all_tenants=1&changes-since=2026-01-01T00:00:00Z&sort_key=display_name&sort_dir=asc&name=${names}`
    const { body } = await f.api.call('2.16', `GET /servers/detail?${query}`, undefined, { as: 'admin' })
    return body.servers.map((server: { host_status: string }) => server.host_status)
  }
  const at = '2026-05-05 10:00:00.000000'
  const [one, , three] = [
    await f.server({ displayName: 'h-1' }),
    await f.server({ displayName: 'h-2' }),
    await f.server({ displayName: 'h-3' }),
  ]
  await f.cell.database.write((tx) => tx.updateTable('instances').set({ updated_at: at }).where('display_name', 'like', 'h-%').execute())
  expect(await statuses('^h-')).toEqual(['UP', 'UP', 'UP'])
  await f.cell.servers.destroy(three)
  expect(await statuses('^h-')).toEqual(['UP', 'UP', 'UP'])
  expect(await statuses('^h-3')).toEqual([''])
  await f.cell.servers.destroy(one)
  expect(await statuses('^h-')).toEqual(['', '', ''])
})

test('unlocking leaves no row of the reason: Nova would read one that is only marked as deleted', async () => {
  const uuid = await f.server()
  const act = (body: object) => f.api.call('2.73', `POST /servers/${uuid}/action`, body, { as: 'member' })
  const reasons = () =>
    f.cell.database.read((tx) =>
      tx
        .selectFrom('instance_system_metadata')
        .select('value')
        .where('instance_uuid', '=', uuid)
        .where('key', '=', 'locked_reason')
        .execute(),
    )
  expect((await act({ lock: { locked_reason: 'care' } })).status).toBe(202)
  expect(await reasons()).toEqual([{ value: 'care' }])
  expect((await act({ unlock: null })).status).toBe(202)
  expect(await reasons()).toEqual([])
})
