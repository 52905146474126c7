/** Servers in a cell whose database cannot be reached: what is still told of them, from 2.69 on, and how long that may take. */
import { createServer, type Server, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { projectOf, type TestApi } from '../../../../tests/support/compute-api.ts'
import { type Farm, farm } from '../../../../tests/support/servers.ts'
import { apiOptions } from '../../../compute/settings.ts'
import { toDateTime } from '../../../oslo/database/datetime.ts'
import { defaultsOf } from '../../../oslo/keystoneauth/fixture.ts'

/** Takes connections and says nothing. */
let mute: Server
const sockets = new Set<Socket>()
const farms: Farm[] = []

beforeAll(async () => {
  mute = createServer((socket) => sockets.add(socket))
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  for (const each of farms) await each.close()
  for (const socket of sockets) socket.destroy()
  mute.close()
})

const awayUuid = '33333333-0000-0000-0000-000000000000'

interface Place {
  readonly api: TestApi
  readonly here: string
  /** In the cell that is away. */
  readonly away: string
  readonly deleted: string
  readonly withoutSpec: string
  /** What other services were asked. */
  readonly calls: string[]
}

/** cell1 with a server, and a cell that is away with three. */
async function placed(url: string, settings: Partial<ReturnType<typeof defaultsOf<typeof apiOptions.options>>> = {}): Promise<Place> {
  const grown = await farm({}, { settings: { api: { ...defaultsOf(apiOptions.options), ...settings } } })
  farms.push(grown)
  const { api, cell } = grown
  const { database, cellMappings } = api.backends.stores.api
  const cellId = await cellMappings.create({ uuid: awayUuid, name: 'away', databaseConnection: url, transportUrl: 'memory:' })
  const [here, away, deleted, withoutSpec] = [await grown.server(), await grown.server(), await grown.server(), await grown.server()]
  for (const uuid of [away, deleted, withoutSpec]) await cell.servers.destroy(uuid)
  await database.write(async (tx) => {
    await tx
      .updateTable('instance_mappings')
      .set({ cell_id: cellId, created_at: toDateTime(Date.UTC(2026, 0, 2, 3, 4, 5)) })
      .where('instance_uuid', 'in', [away, deleted, withoutSpec])
      .execute()
    await tx.updateTable('instance_mappings').set({ queued_for_delete: true }).where('instance_uuid', '=', deleted).execute()
    await tx.deleteFrom('request_specs').where('instance_uuid', '=', withoutSpec).execute()
  })
  // the cells are read again when one is asked for that is not known
  await api.backends.stores.cells.byId(cellId + 1)
  return { api, here, away, deleted, withoutSpec, calls: grown.fakes.calls }
}

const refusing = 'postgresql+psycopg2://nova:secret@127.0.0.1:1/nova'
const idsOf = (body: { servers: { id: string }[] }) => body.servers.map(({ id }) => id)

describe('a database that refuses', () => {
  let place: Place
  beforeAll(async () => {
    place = await placed(refusing)
  })

  test('lists leave its servers out before 2.69 and tell what nova_api knows from then on', async () => {
    const { api, here, away, withoutSpec } = place
    expect(idsOf((await api.call('2.68', 'GET /servers', undefined, { as: 'member' })).body)).toEqual([here])
    const { body } = await api.call('2.69', 'GET /servers', undefined, { as: 'member' })
    expect(idsOf(body).toSorted()).toEqual([here, away, withoutSpec].toSorted())
    const found = body.servers.find(({ id }: { id: string }) => id === away)
    expect(found).toEqual({ id: away, status: 'UNKNOWN', links: expect.any(Array) })
  })

  test('in detail: the project and when it was made besides', async () => {
    const { api, here, away } = place
    expect(idsOf((await api.call('2.68', 'GET /servers/detail', undefined, { as: 'member' })).body)).toEqual([here])
    const { body } = await api.call('2.98', 'GET /servers/detail', undefined, { as: 'member' })
    expect(body.servers.find(({ id }: { id: string }) => id === away)).toEqual({
      id: away,
      status: 'UNKNOWN',
      tenant_id: projectOf('member'),
      created: '2026-01-02T03:04:05Z',
      links: expect.any(Array),
    })
  })

  test('one that is going is not told; nor is any with filters, sorting or paging', async () => {
    const { api, here, deleted } = place
    expect(idsOf((await api.call('2.69', 'GET /servers', undefined, { as: 'member' })).body)).not.toContain(deleted)
    for (const query of ['name=server', 'limit=10', 'sort_key=uuid', 'status=ACTIVE'])
      expect(idsOf((await api.call('2.69', `GET /servers?${query}`, undefined, { as: 'member' })).body)).toEqual([here])
  })

  test('another project sees none of them, but is told that it may not', async () => {
    expect(idsOf((await place.api.call('2.69', 'GET /servers', undefined, { as: 'other' })).body)).toEqual([])
    expect((await place.api.call('2.69', `GET /servers/${place.away}`, undefined, { as: 'other' })).status).toBe(403)
    expect((await place.api.call('2.69', `GET /servers/${place.here}`, undefined, { as: 'other' })).status).toBe(404)
  })

  test('one server: what was requested, from 2.69; before, the cell is told to be away', async () => {
    const { api, away, deleted, withoutSpec } = place
    place.calls.length = 0
    const { status, body } = await api.call('2.69', `GET /servers/${away}`, undefined, { as: 'member' })
    expect([status, body.server]).toMatchObject([
      200,
      { id: away, status: 'UNKNOWN', user_id: 'member'.padEnd(32, '0'), 'OS-EXT-STS:power_state': 0, flavor: { original_name: 'small' } },
    ])
    expect(place.calls).toEqual([])
    expect((await api.call('2.68', `GET /servers/${away}`, undefined, { as: 'member' })).status).toBe(500)
    for (const gone of [deleted, withoutSpec])
      expect((await api.call('2.69', `GET /servers/${gone}`, undefined, { as: 'member' })).status).toBe(404)
  })

  test('what would change it is refused, and other cells’ servers are served', async () => {
    const { api, here, away } = place
    expect((await api.call('2.69', `POST /servers/${away}/action`, { 'os-stop': null }, { as: 'member' })).status).toBe(500)
    expect((await api.call('2.69', `DELETE /servers/${away}`, undefined, { as: 'member' })).status).toBe(500)
    expect((await api.call('2.69', `GET /servers/${here}`, undefined, { as: 'member' })).status).toBe(200)
    expect((await api.call('2.69', 'GET /os-services')).status).toBe(200)
    expect((await api.call('2.69', 'GET /limits', undefined, { as: 'member' })).status).toBe(200)
  })
})

test('list_records_by_skipping_down_cells = false: a list that cannot tell what is known of them fails instead', async () => {
  const { api, away } = await placed(refusing, { listRecordsBySkippingDownCells: false })
  const list = (version: string, query = '') => api.call(version, `GET /servers${query}`, undefined, { as: 'member' })
  expect((await list('2.68')).status).toBe(500)
  expect((await list('2.69', '?limit=10')).status).toBe(500)
  const { status, body } = await list('2.69')
  expect([status, idsOf(body)]).toEqual([200, expect.arrayContaining([away])])
})

test('instance_list_per_project_cells: only cells in which the project has servers are asked', async () => {
  const { api } = await placed(refusing, { listRecordsBySkippingDownCells: false, instanceListPerProjectCells: true })
  expect((await api.call('2.69', 'GET /servers?limit=10', undefined, { as: 'other' })).status).toBe(200)
  expect((await api.call('2.69', 'GET /servers?limit=10', undefined, { as: 'member' })).status).toBe(500)
})

describe('a database that takes connections and says nothing', () => {
  for (const scheme of ['mysql+pymysql', 'postgresql+psycopg2'])
    test(`${scheme}: the first request waits for it, later ones no more than a moment`, async () => {
      const { port } = mute.address() as { port: number }
      const { api, here, away } = await placed(`${scheme}://nova:secret@127.0.0.1:${port}/nova?connect_timeout=1`)
      const timed = async () => {
        const start = performance.now()
        const { body } = await api.call('2.69', 'GET /servers', undefined, { as: 'member' })
        expect(idsOf(body)).toEqual(expect.arrayContaining([here, away]))
        return performance.now() - start
      }
      expect(await timed()).toBeLessThan(8000)
      expect(await timed()).toBeLessThan(3000)
      expect(await timed()).toBeLessThan(3000)
    })
})
