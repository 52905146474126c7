import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type Person, type TestApi, testApi } from '../../../tests/support/compute-api.ts'
import { addServer, cellOf, listen, type Sent } from '../../../tests/support/hosts.ts'

let api: TestApi
const sent: Sent[] = []
const volume = (i: number) => `00000000-0000-4000-8000-00000000000${i}`

beforeAll(async () => {
  api = await testApi()
  const cell = await cellOf(api)
  const attach = async (volumeId: string, instanceUuid: string) =>
    cell.blockDevices.create({ volumeId, instanceUuid, uuid: crypto.randomUUID(), sourceType: 'volume', destinationType: 'volume' })
  const busy = await addServer(api, { host: 'one' })
  await cell.servers.update(busy, { taskState: 'rebooting' })
  await attach(volume(1), await addServer(api, { host: 'one' }))
  await attach(volume(2), await addServer(api))
  await attach(volume(3), busy)
  await attach(volume(4), busy)
  await attach(volume(4), await addServer(api, { host: 'one' }))
  await attach(volume(5), await addServer(api, { host: 'one', vmState: 'stopped' }))
  await listen(api, 'topic', 'compute', sent, 'one')
})
afterAll(() => api.close())
beforeEach(() => void (sent.length = 0))
afterEach(() => expect(api.errors).toEqual([]))

const info = { snapshot_id: 's', type: 'qcow2', new_file: 'f' }
const post = (volume_id: string, more: object = {}) => ({ snapshot: { volume_id, create_info: { ...info, ...more } } })
const remove = (deleteInfo: unknown) =>
  `DELETE /os-assisted-volume-snapshots/s?delete_info=${encodeURIComponent(JSON.stringify(deleteInfo))}`

type Row = [version: string, route: string, body: object | undefined, status: number, as?: Person]
const create = 'POST /os-assisted-volume-snapshots'
const rows: Row[] = [
  ['2.1', create, post(volume(1)), 200],
  ['2.1', create, post(volume(1)), 403, 'member'],
  ['2.1', create, post(volume(9)), 400],
  ['2.1', create, post(volume(2)), 400],
  ['2.1', create, post(volume(3)), 400],
  ['2.1', create, post(volume(4)), 400],
  ['2.1', create, post(volume(5)), 200],
  ['2.1', create, post(volume(1), { type: 'raw' }), 400],
  ['2.1', remove({ volume_id: volume(1) }), undefined, 204],
  ['2.1', remove({ volume_id: volume(9) }), undefined, 400],
  ['2.1', remove({ volume_id: volume(3) }), undefined, 400],
  ['2.1', remove({ volume_id: volume(5) }), undefined, 204],
  ['2.1', remove({ volume_id: volume(5), merge_target_file: 'm' }), undefined, 400],
  ['2.1', remove({}), undefined, 400],
  ['2.1', `${create.replace('POST', 'DELETE')}/s`, undefined, 400],
  ['2.1', `${create.replace('POST', 'DELETE')}/s?delete_info=x`, undefined, 400],
  ['2.74', `${remove({ volume_id: volume(1) })}&colour=red`, undefined, 204],
  ['2.75', `${remove({ volume_id: volume(1) })}&colour=red`, undefined, 400],
]
for (const [version, route, body, status, as = 'admin'] of rows)
  test(`${version} ${as} ${route} ${JSON.stringify(body) ?? ''} → ${status}`, async () => {
    const answer = await api.call(version, route, body, { as })
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
  })

test("the server's host is told what to do", async () => {
  const answer = await api.call('2.1', create, post(volume(1), { id: volume(7) }))
  expect(answer.body).toEqual({ snapshot: { id: volume(7), volumeId: volume(1) } })
  await api.call('2.1', remove({ volume_id: volume(1), type: 'qcow2' }))
  const told = (method: string, args: object) => expect.objectContaining({ method, args: expect.objectContaining(args) })
  const created = { volume_id: volume(1), create_info: { ...info, id: volume(7) } }
  const removed = { volume_id: volume(1), snapshot_id: 's', delete_info: { volume_id: volume(1), type: 'qcow2' } }
  await vi.waitFor(() => {
    expect(sent).toContainEqual(told('volume_snapshot_create', created))
    expect(sent).toContainEqual(told('volume_snapshot_delete', removed))
  })
})

test('a server that is busy is told in the words of Nova', async () => {
  const { message } = (await api.call('2.1', create, post(volume(3)))).body.badRequest
  expect(message).toMatch(/^Instance \S+ in task_state rebooting\. Cannot do_volume_snapshot_create while the instance is in this state\.$/)
})

test('an id of another type than text is that of no volume', async () => {
  const messages = [5, null].map(async (id) => (await api.call('2.1', remove({ volume_id: id }))).body.badRequest.message)
  expect(await Promise.all(messages)).toEqual([5, 'None'].map((id) => `No volume Block Device Mapping with id ${id}.`))
})
