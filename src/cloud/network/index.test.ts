import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openShelf } from '../shelf.ts'
import { type Json, nowhere, type Person, place, testCloud } from './fixture.ts'
import type { SeedPlan } from './index.ts'

const documents: [who: Person | undefined, route: string, status: number, body: unknown][] = [
  [undefined, 'GET /', 200, { versions: [{ id: 'v2.0', status: 'CURRENT', links: [{ rel: 'self', href: 'http://cloud:9696/v2.0/' }] }] }],
  [
    undefined,
    'GET /v2.0/networks',
    401,
    { error: { code: 401, title: 'Unauthorized', message: 'The request you have made requires authentication.' } },
  ],
  ['ann', 'GET /v2.0/nothing', 404, { NeutronError: { type: 'HTTPNotFound', message: 'The resource could not be found.', detail: '' } }],
  [
    'ann',
    `POST /v2.0/networks/${nowhere}`,
    405,
    { NeutronError: { type: 'HTTPMethodNotAllowed', message: expect.any(String), detail: '' } },
  ],
  ['ann', 'GET /v2.0/extensions/binding-extended', 200, { extension: expect.objectContaining({ alias: 'binding-extended', links: [] }) }],
  ['ann', 'GET /v2.0/extensions/<b>', 404, expect.stringContaining('Extension with alias &#60;b&#62; does not exist')],
  ['admin', 'GET /v2.0/agents', 200, { agents: [] }],
  ['ann', 'GET /v2.0/service-providers', 200, { service_providers: [] }],
  [
    'ann',
    'GET /v2.0/availability_zones?resource=router',
    200,
    { availability_zones: [{ name: 'nova', resource: 'router', state: 'available' }] },
  ],
]
for (const [who, route, status, body] of documents)
  test(`${route} → ${status}`, async () => {
    const answer = await testCloud().call(who, route)
    expect([answer.status, answer.body]).toEqual([status, body])
    expect(answer.header('x-openstack-request-id')).toMatch(/^req-[0-9a-f-]{36}$/)
  })

test('the core resources are at /v2.0/, for those with a token', async () => {
  const cloud = testCloud()
  const { body } = await cloud.call('ann', 'GET /v2.0/')
  expect(body.resources.map((one: Json) => one.links[0].href)).toContain('http://cloud:9696/v2.0/ports')
  expect((await cloud.call(undefined, 'GET /v2.0/')).status).toBe(401)
})

for (const route of ['GET /v2.0/trunks', 'POST /v2.0/qos/policies', `GET /v2.0/routers/${nowhere}/l3-agents`, 'GET /v2.0/segments'])
  test(`${route} is not built, and says so`, async () => {
    const { status, body } = await testCloud().call('admin', route)
    expect([status, body.NeutronError.message]).toEqual([501, expect.stringContaining('does not implement')])
  })

for (const body of ['{', [], 5])
  test(`the body ${JSON.stringify(body)} is a bad request, in the form of Neutron`, async () => {
    const answer = await testCloud().call('ann', 'POST /v2.0/networks', body, { 'content-type': 'application/json' })
    expect([answer.status, answer.body.NeutronError]).toEqual([
      400,
      { type: 'HTTPBadRequest', message: 'Body contains invalid data', detail: '' },
    ])
  })

test('no extension is claimed twice, and none without its reason', async () => {
  const { body } = await testCloud().call('ann', 'GET /v2.0/extensions')
  const aliases: string[] = body.extensions.map((one: Json) => one.alias)
  expect(new Set(aliases).size).toBe(aliases.length)
  for (const one of body.extensions)
    expect([one.alias, one.name && one.description && one.updated]).toEqual([one.alias, expect.any(String)])
  // What would make Nova or clients ask for what is not here.
  for (const alias of ['multi-provider', 'segment', 'qos', 'trunk', 'port-resource-request', 'dvr', 'l3-ha'])
    expect(aliases).not.toContain(alias)
})

const plan: SeedPlan = {
  adminProjectId: 'adm',
  shared: { name: 'shared', cidr: '10.10.0.0/16' },
  external: { name: 'public', cidr: '203.0.113.0/24' },
  private: { projectId: 'one', name: 'private', cidr: '10.20.0.0/16', dnsNameservers: ['9.9.9.9'] },
  router: { name: 'router1' },
  subnetPool: { name: 'default', prefixes: ['10.64.0.0/16'], defaultPrefixlen: 26 },
}

test('a seed is sown once, and a floating IP reaches both of its inner networks', async () => {
  const cloud = testCloud()
  const first = cloud.seed(plan)
  const count = async () => {
    const all = ['networks', 'subnets', 'ports', 'routers', 'subnetpools', 'security-groups'].map((path) =>
      cloud.call('admin', `GET /v2.0/${path}`),
    )
    return (await Promise.all(all)).map(({ body }) => (Object.values(body)[0] as unknown[]).length)
  }
  const before = await count()
  expect(cloud.seed(plan)).toEqual(first)
  expect(await count()).toEqual(before)
  expect(before).toEqual([3, 3, 3, 1, 1, 2])
  for (const network_id of [first.privateNetworkId, first.sharedNetworkId]) {
    const port = await cloud.make('ann', 'POST /v2.0/ports', { port: { network_id } })
    const floatingip = { floating_network_id: first.externalNetworkId, port_id: port.id }
    expect(await cloud.make('ann', 'POST /v2.0/floatingips', { floatingip })).toMatchObject({ router_id: first.routerId, status: 'ACTIVE' })
  }
  const { body } = await cloud.call('bob', 'GET /v2.0/networks?sort_key=name&sort_dir=asc&fields=name')
  expect(body.networks).toEqual([{ name: 'public' }, { name: 'shared' }])
})

test('a project that asks for nothing gets a network of its own, once', async () => {
  const cloud = testCloud()
  const route = '/v2.0/auto-allocated-topology/two'
  expect(await cloud.outcome('bob', `GET ${route}?fields=dry-run`)).toBe('409 AutoAllocationFailure')
  cloud.seed(plan)
  expect((await cloud.call('bob', `GET ${route}?fields=dry-run`)).body.auto_allocated_topology.id).toBe('dry-run=pass')
  expect(await cloud.outcome('ann', `GET ${route}`)).toBe('403 NotAuthorized')
  const { id } = await cloud.make('bob', `GET ${route}`, undefined)
  expect((await cloud.make('bob', `GET ${route}`, undefined)).id).toBe(id)
  const { body } = await cloud.call('bob', `GET /v2.0/subnets?network_id=${id}`)
  expect(body.subnets).toMatchObject([{ cidr: '10.64.0.0/26', name: 'auto_allocated_subnet_v4', project_id: 'two' }])
  expect((await cloud.call('bob', 'GET /v2.0/routers?fields=name')).body.routers).toEqual([{ name: 'auto_allocated_router' }])
  const port = await cloud.make('bob', 'POST /v2.0/ports', { port: { network_id: id } })
  expect(await cloud.outcome('bob', `DELETE ${route}`)).toBe('409 NetworkInUse')
  expect(await cloud.outcome('bob', `GET /v2.0/networks/${id}`)).toBe('200')
  await cloud.call('bob', `DELETE /v2.0/ports/${port.id}`)
  expect(await cloud.outcome('bob', `DELETE ${route}`)).toBe('204')
  expect((await cloud.call('bob', 'GET /v2.0/routers')).body.routers).toEqual([])
})

test('addresses are counted exactly, however many', async () => {
  const cloud = testCloud()
  const { networkId, port } = await place(cloud)
  await cloud.make('ann', 'POST /v2.0/subnets', { subnet: { network_id: networkId, ip_version: 6, cidr: 'fd00::/64' } })
  await port({ fixed_ips: [{ ip_address: '10.1.0.1' }] })
  await port()
  const raw = await cloud.call('admin', 'GET /v2.0/network-ip-availabilities?ip_version=4')
  expect(raw.body.network_ip_availabilities).toMatchObject([
    {
      network_id: networkId,
      network_name: 'net',
      used_ips: 3,
      subnet_ip_availability: [
        {
          cidr: '10.1.0.0/24',
          total_ips: 253,
          used_ips: 2,
          ip_availability_details: { total_ips_in_subnet: 254, used_ips_in_allocation_pool: 1 },
        },
        { cidr: 'fd00::/64', used_ips: 1 },
      ],
    },
  ])
  expect((await cloud.call('ann', 'GET /v2.0/network-ip-availabilities')).body.network_ip_availabilities).toEqual([])
  expect(await cloud.outcome('ann', `GET /v2.0/network-ip-availabilities/${networkId}`)).toBe('404 HTTPNotFound')
})

test('everything is there after opening the file again', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'network-'))
  const file = join(directory, 'network.sqlite')
  const shelf = openShelf(file)
  const before = testCloud({ shelf })
  const { networkId, port } = await place(before)
  const made = await port({ name: 'kept', fixed_ips: [{ ip_address: '10.1.0.9' }] })
  shelf.close()
  const again = openShelf(file)
  const after = testCloud({ shelf: again, ids: { uuid: () => crypto.randomUUID() } })
  expect((await after.call('ann', `GET /v2.0/ports/${made.id}`)).body.port).toEqual(made)
  const twice = { port: { network_id: networkId, fixed_ips: [{ ip_address: '10.1.0.9' }] } }
  expect(await after.outcome('ann', 'POST /v2.0/ports', twice)).toBe('409 IpAddressAlreadyAllocated')
  again.close()
  rmSync(directory, { recursive: true })
})

test('an error nobody foresaw is reported and not told', async () => {
  const shelf = openShelf(':memory:')
  const cloud = testCloud({ shelf })
  shelf.close()
  const { status, body } = await cloud.call('ann', 'POST /v2.0/networks', { network: {} })
  expect([status, body.NeutronError.type, cloud.errors.length]).toEqual([500, 'HTTPInternalServerError', 1])
  expect(body.NeutronError.message).toBe('Request Failed: internal server error while processing your request.')
})
