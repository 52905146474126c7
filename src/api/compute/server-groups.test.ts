import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Person, projectOf, type TestApi, testApi } from '../../../tests/support/compute-api.ts'
import { addServer, cellOf } from '../../../tests/support/hosts.ts'

let api: TestApi
let one: string
beforeAll(async () => {
  api = await testApi({ peers: { keystone: { project: async () => 'present' } } })
  one = await make('one')
})
afterAll(() => api.close())
afterEach(() => expect(api.errors).toEqual([]))

const post = 'POST /os-server-groups'
const make = async (name: string, as: Person = 'member'): Promise<string> =>
  (await api.call('2.64', post, { server_group: { name, policy: 'affinity' } }, { as })).body.server_group.id

type Row = [version: string, route: () => string, group: object | undefined, status: number, as?: Person]
const old = { name: 'g', policies: ['affinity'] }
const soft = { name: 'g', policies: ['soft-affinity'] }
const named = { name: 'g', policy: 'soft-affinity' }
const rows: Row[] = [
  ['2.1', () => post, old, 200],
  ['2.1', () => post, { name: 'g', policies: [] }, 400],
  ['2.1', () => post, { name: 'g', policies: ['affinity', 'anti-affinity'] }, 400],
  ['2.1', () => post, { name: 'g', policies: ['legacy'] }, 400],
  ['2.1', () => post, { name: ' g', policies: ['affinity'] }, 400],
  ['2.1', () => post, old, 403, 'reader'],
  ['2.14', () => post, soft, 400],
  ['2.15', () => post, soft, 200],
  ['2.63', () => post, soft, 200],
  ['2.63', () => post, named, 400],
  ['2.64', () => post, named, 200],
  ['2.64', () => post, soft, 400],
  ['2.64', () => post, { ...named, rules: { max_server_per_host: 2 } }, 400],
  ['2.64', () => post, { name: 'g', policy: 'anti-affinity', rules: { max_server_per_host: '2' } }, 200],
  ['2.64', () => post, { name: 'g', policy: 'anti-affinity', rules: { max_server_per_host: 0 } }, 400],
  ['2.64', () => post, { name: 'g', policy: 'anti-affinity', rules: { other: 1 } }, 400],
  ['2.1', () => `GET /os-server-groups/${one}`, undefined, 200, 'reader'],
  ['2.1', () => `GET /os-server-groups/${one}`, undefined, 404, 'other'],
  ['2.1', () => `GET /os-server-groups/${one}`, undefined, 200, 'admin'],
  ['2.1', () => 'GET /os-server-groups/never', undefined, 404],
  ['2.101', () => `GET /os-server-groups/${one}?colour=red`, undefined, 200],
  ['2.102', () => `GET /os-server-groups/${one}?colour=red`, undefined, 400],
  ['2.74', () => 'GET /os-server-groups?colour=red', undefined, 200],
  ['2.75', () => 'GET /os-server-groups?colour=red', undefined, 400],
  ['2.1', () => 'GET /os-server-groups?limit=x', undefined, 400],
  ['2.1', () => `DELETE /os-server-groups/${one}`, undefined, 403, 'reader'],
  ['2.1', () => `DELETE /os-server-groups/${one}`, undefined, 404, 'other'],
  ['2.1', () => `DELETE /os-server-groups/${one}`, undefined, 204],
  ['2.1', () => `DELETE /os-server-groups/${one}`, undefined, 404],
]
for (const [version, route, group, status, as = 'member'] of rows)
  test(`${version} ${as} ${route.toString().slice(6)} ${JSON.stringify(group) ?? ''} → ${status}`, async () => {
    const answer = await api.call(version, route(), group && { server_group: group }, { as })
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
    if (route() === post && status === 200)
      await api.call('2.1', `DELETE /os-server-groups/${answer.body.server_group.id}`, undefined, { as })
  })

test('what is shown: owners from 2.13 on, one policy with rules from 2.64 on', async () => {
  const rules = { max_server_per_host: '3' }
  const made = (await api.call('2.64', post, { server_group: { name: 'shown', policy: 'anti-affinity', rules } }, { as: 'member' })).body
  const { id } = made.server_group
  const at = async (version: string) => (await api.call(version, `GET /os-server-groups/${id}`)).body.server_group
  const owner = { project_id: projectOf('member'), user_id: 'member'.padEnd(32, '0') }
  expect(await at('2.12')).toEqual({ id, name: 'shown', policies: ['anti-affinity'], metadata: {}, members: [] })
  expect(await at('2.13')).toEqual({ ...(await at('2.12')), ...owner })
  expect(await at('2.64')).toEqual({
    id,
    name: 'shown',
    policy: 'anti-affinity',
    rules: { max_server_per_host: 3 },
    members: [],
    ...owner,
  })
  expect(made.server_group).toEqual(await at('2.64'))
})

test('members are those that no cell has yet, and those that are there, the newest first', async () => {
  const group = await make('members')
  const { database } = api.backends.stores.api
  const cell = await cellOf(api)
  const [alive, gone, waiting, newest] = [await addServer(api), await addServer(api), await addServer(api), await addServer(api)]
  await cell.servers.destroy(gone)
  await cell.servers.update(waiting, { vmState: 'soft-delete' })
  const unscheduled = crypto.randomUUID()
  await database.write(async (tx) => {
    const { id } = await tx.selectFrom('instance_groups').select('id').where('uuid', '=', group).executeTakeFirstOrThrow()
    for (const instance_uuid of [gone, alive, waiting, newest, unscheduled, crypto.randomUUID()])
      await tx.insertInto('instance_group_member').values({ group_id: id, instance_uuid }).execute()
    await tx
      .insertInto('instance_mappings')
      .values({ instance_uuid: unscheduled, project_id: projectOf('member'), cell_id: null, queued_for_delete: false })
      .execute()
  })
  expect((await api.call('2.1', `GET /os-server-groups/${group}`)).body.server_group.members).toEqual([unscheduled, newest, alive])
})

test('lists: of the own project, of all for admins, in pieces', async () => {
  const foreign = await make('foreign', 'other')
  const names = async (query: string, as: Person = 'member') =>
    (await api.call('2.1', `GET /os-server-groups${query}`, undefined, { as })).body.server_groups.map(
      (group: { name: string }) => group.name,
    )
  const own = await names('')
  expect(own).toEqual(['shown', 'members'])
  expect(await names('?all_projects')).toEqual(own)
  expect(await names('?all_projects', 'admin')).toEqual([...own, 'foreign'])
  expect(await names('', 'admin')).toEqual(own)
  expect([await names('?limit=1'), await names('?limit=0'), await names('?offset=1&limit=5')]).toEqual([['shown'], own, ['members']])
  await api.call('2.1', `DELETE /os-server-groups/${foreign}`)
})

test('the quota, of the project and of the user', async () => {
  const limit = async (server_groups: number, user = '') =>
    api.call('2.60', `PUT /os-quota-sets/${projectOf('member')}${user}`, { quota_set: { server_groups, force: true } })
  await limit(2)
  const refused = await api.call('2.64', post, { server_group: named }, { as: 'manager' })
  expect([refused.status, refused.body.forbidden?.message]).toEqual([403, 'Quota exceeded, too many server groups.'])
  await limit(5)
  await limit(1, `?user_id=${'member'.padEnd(32, '0')}`)
  expect((await api.call('2.64', post, { server_group: named }, { as: 'member' })).status).toBe(403)
  expect((await api.call('2.64', post, { server_group: named }, { as: 'manager' })).status).toBe(200)
})

test('a list costs as many statements however long it is', async () => {
  const cost = async () => {
    const before = await api.statements()
    await api.call('2.1', 'GET /os-server-groups', undefined, { as: 'other' })
    return (await api.statements()) - before
  }
  const empty = await cost()
  for (let i = 0; i < 3; i++) await make(`n${i}`, 'other')
  const some = await cost()
  for (let i = 0; i < 5; i++) await make(`m${i}`, 'other')
  expect([empty < some, await cost()]).toEqual([true, some])
})
