import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { type Person, type TestApi, testApi } from '../../../tests/support/compute-api.ts'
import { addServer, cellOf, listen, type Sent } from '../../../tests/support/hosts.ts'

let api: TestApi
let [here, moving, nowhere, foreign] = ['', '', '', '']
const sent: Record<string, Sent[]> = { one: [], two: [], three: [] }

beforeAll(async () => {
  api = await testApi()
  here = await addServer(api, { host: 'one' })
  moving = await addServer(api, { host: 'two' })
  nowhere = await addServer(api)
  foreign = await addServer(api, { host: 'one', projectId: 'b'.repeat(32) })
  const cell = await cellOf(api)
  const id = await cell.migrations.create({
    instanceUuid: moving,
    uuid: crypto.randomUUID(),
    sourceCompute: 'two',
    destCompute: 'three',
    status: 'migrating',
  })
  const data = { instance_uuid: moving, migration_id: id }
  const context = { 'nova_object.name': 'MigrationContext', 'nova_object.namespace': 'nova', 'nova_object.version': '1.2' }
  await cell.serverExtra.update(moving, { migrationContext: JSON.stringify({ ...context, 'nova_object.data': data }) })
  for (const [host, list] of Object.entries(sent)) await listen(api, 'topic', 'compute-alt', list, host)
})
afterAll(() => api.close())
beforeEach(() => {
  for (const list of Object.values(sent)) list.length = 0
})
afterEach(() => expect(api.errors).toEqual([]))

const post = 'POST /os-server-external-events'
const tell = (version: string, events: object[], as: Person = 'admin') => api.call(version, post, { events }, { as })
const changed = (server_uuid: string) => ({ name: 'network-changed', server_uuid })

type Row = [version: string, events: () => unknown, status: number, as?: Person]
const rows: Row[] = [
  ['2.1', () => [changed(here)], 200],
  ['2.1', () => [changed(here)], 403, 'member'],
  ['2.1', () => [changed(crypto.randomUUID())], 207],
  ['2.1', () => [], 400],
  ['2.1', () => [{ name: 'network-changed' }], 400],
  ['2.1', () => [{ ...changed(here), status: 'late' }], 400],
  ['2.1', () => [{ ...changed(here), tag: 'x'.repeat(256) }], 400],
  ...(
    [
      ['2.50', '2.51', 'volume-extended'],
      ['2.75', '2.76', 'power-update'],
      ['2.81', '2.82', 'accelerator-request-bound'],
      ['2.92', '2.93', 'volume-reimaged'],
    ] as const
  ).flatMap(([before, since, name]): Row[] => [
    [before, () => [{ name, server_uuid: here, tag: 't' }], 400],
    [since, () => [{ name, server_uuid: here, tag: 't' }], 200],
  ]),
]
for (const [version, events, status, as = 'admin'] of rows)
  test(`${version} ${as} ${events.toString().slice(6).replace(/\s+/g, ' ')} → ${status}`, async () => {
    const answer = await api.call(version, post, { events: events() }, { as })
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
  })

test('each event has its own outcome, and the whole is 207 unless all are accepted', async () => {
  const gone = crypto.randomUUID()
  const untagged = { name: 'volume-extended', server_uuid: here }
  const answer = await tell('2.51', [changed(here), changed(gone), untagged, changed(nowhere)])
  expect(answer.status).toBe(207)
  expect(answer.body.events).toEqual([
    { ...changed(here), status: 'completed', code: 200 },
    { ...changed(gone), status: 'failed', code: 404 },
    { ...untagged, status: 'failed', code: 400 },
    { ...changed(nowhere), status: 'failed', code: 422 },
  ])
})

// biome-ignore lint/suspicious/noExplicitAny: a message in its wire form
const wires = (list: Sent[]): any => list.map(({ method, args }) => ({ method, ...dataOf(args) }))
// biome-ignore lint/suspicious/noExplicitAny: as above
const dataOf = ({ instances, events }: any) => ({
  servers: instances.map((each: Record<string, { uuid: string }>) => each['nova_object.data']!.uuid),
  events: events.map((each: Record<string, object>) => each['nova_object.data']),
})

test('hosts get the events of their servers, and both ends of a move get them', async () => {
  const plugged = { name: 'network-vif-plugged', server_uuid: moving, tag: 'port', status: 'failed' }
  await tell('2.1', [changed(here), plugged, changed(foreign), { ...changed(here), tag: 'again' }])
  const event = (instance_uuid: string, tag: string | null) => ({ instance_uuid, name: 'network-changed', status: 'completed', tag })
  const moved = { instance_uuid: moving, name: 'network-vif-plugged', status: 'failed', tag: 'port' }
  const expected = {
    one: { servers: [here, foreign], events: [event(here, null), event(foreign, null), event(here, 'again')] },
    two: { servers: [moving], events: [moved] },
    three: { servers: [moving], events: [moved] },
  }
  for (const [host, told] of Object.entries(expected))
    await vi.waitFor(() => expect(wires(sent[host]!)).toContainEqual({ method: 'external_instance_event', ...told }))
})

test('an extended volume and a changed power state are among the actions on the server', async () => {
  const cell = await cellOf(api)
  const actions = async () => (await cell.actions.list(here))!.map(({ action }) => action)
  const power = (tag: string) => ({ name: 'power-update', server_uuid: here, tag })
  const before = await actions()
  for (const event of [{ name: 'volume-extended', server_uuid: here, tag: 'v' }, power('POWER_ON'), power('POWER_OFF')])
    await tell('2.76', [event])
  expect((await actions()).slice(0, 3)).toEqual(['stop', 'start', 'extend_volume'])
  expect((await actions()).length).toBe(before.length + 3)
})

test('a power state that is none is accepted and goes nowhere', async () => {
  const answer = await tell('2.76', [{ name: 'power-update', server_uuid: here, tag: 'POWER_MAYBE' }])
  expect([answer.status, answer.body.events[0].code]).toEqual([200, 200])
  await vi.waitFor(() => expect(wires(sent.one!)).toContainEqual({ method: 'external_instance_event', servers: [here], events: [] }))
})
