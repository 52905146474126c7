import { afterAll, beforeAll, expect, test } from 'vitest'
import { testServer } from '../../../../tests/support/server-databases.ts'
import { type Farm, farm } from '../../../../tests/support/servers.ts'

let f: Farm
const names = new Map<string, string>()
beforeAll(async () => {
  f = await farm()
  for (const time of ['10:00:59.999000', '10:01:00.000000', '10:01:00.030000', '10:01:01.000000']) {
    const uuid = await f.server({})
    names.set(uuid, time.slice(3))
    await f.cell.database.write((tx) =>
      tx
        .updateTable('instances')
        .set({ updated_at: `2026-03-01 ${time}` })
        .where('uuid', '=', uuid)
        .execute(),
    )
  }
})
afterAll(() => f.close())

const [before, at, within, after] = ['00:59.999000', '01:00.000000', '01:00.030000', '01:01.000000']
const ask = (query: string) => f.api.call('2.66', `GET /servers?${query}`, undefined, { as: 'admin' })

const spans: [query: string, expected: (string | undefined)[]][] = [
  ['changes-since=2026-03-01T10:01:00Z', [at, within, after]],
  ['changes-since=2026-03-01T11:01:00.01%2B01:00', [within, after]],
  // servers show seconds: what was changed within the second is found by what is shown
  ['changes-before=2026-03-01T10:01:00Z', [before, at, within]],
  ['changes-before=2026-03-01T10:01:00', [before, at, within]],
  ['changes-before=2026-03-01T10:01:00.01Z', [before, at]],
  ['changes-before=2026-03-01T10:00:59Z', [before]],
  ['changes-before=2026-03-01T10:00:58Z', []],
  ['changes-since=2026-03-01T10:01:00Z&changes-before=2026-03-01T10:01:00Z', [at, within]],
]
// MariaDB keeps no fractions
const told = testServer?.startsWith('mysql') ? spans.filter(([query]) => !query.includes('.01')) : spans
test.each(told)('%s', async (query, expected) => {
  const { status, body } = await ask(query)
  expect(status).toBe(200)
  expect(body.servers.map(({ id }: { id: string }) => names.get(id)).sort()).toEqual(expected)
})

test('an empty marker is none', async () => {
  expect((await ask('marker=never')).status).toBe(400)
  const { status, body } = await ask('marker=')
  expect([status, body.servers?.length]).toEqual([200, 4])
})

test('a span that ends before it begins', async () => {
  const { status, body } = await ask('changes-since=2026-03-01T10:01:00.5Z&changes-before=2026-03-01T10:01:00Z')
  expect([status, body.badRequest.message]).toEqual([400, 'The value of changes-since must be less than or equal to changes-before.'])
})

test('a flavor that is not there, and that none are wanted, is found out before a direction that is none', async () => {
  expect((await ask('sort_dir=up')).status).toBe(400)
  expect(await ask('sort_dir=up&flavor=none')).toMatchObject({ status: 200, body: { servers: [] } })
  expect(await ask('sort_dir=up&limit=0')).toMatchObject({ status: 200, body: { servers: [] } })
})

test('the keys that there are to sort by are told in the order of Nova', async () => {
  const { body } = await ask('sort_key=x')
  expect(body.badRequest.message).toContain("'user_id', 'uuid', 'vm_state', 'architecture'")
  expect(body.badRequest.message).toMatch(/'launched_on', 'locked', 'memory_mb', .*'vm_mode'\]$/)
})

test.each([
  ['"😀"', 404],
  ['"ab"', 400],
  ['[0]', 404],
])('an action that is %s', async (body, status) => {
  expect((await f.api.ask('2.66', `POST /servers/${[...names.keys()][0]}/action`, body, { as: 'admin' })).status).toBe(status)
})

// As Nova's own answers there, where nothing but the code judges a query
test.each<[query: string, status: number, message?: string]>([
  ['limit=x', 400, 'Invalid input received: limit must be an integer'],
  ['limit=-1', 400, 'Invalid input received: limit must be >= 0'],
  ['limit=%201_0', 200],
  ['offset=x', 400, 'Invalid input received: offset must be an integer'],
  ['sort_key=none', 200],
  ['tags=a', 200],
  ['config_drive=', 200],
  [
    'locked=maybe',
    400,
    "Unrecognized value 'maybe', acceptable values are: '0', '1', 'f', 'false', 'n', 'no', 'off', 'on', 't', 'true', 'y', 'yes'",
  ],
])('on the legacy endpoint: %s', async (query, status, message) => {
  const { status: answered, body } = await f.api.call('2.0', `GET /servers?${query}`, undefined, { as: 'admin', legacy: true })
  expect([answered, body.badRequest?.message]).toEqual([status, message])
  if (/sort_key|tags/.test(query)) expect(body.servers).toEqual([])
})
