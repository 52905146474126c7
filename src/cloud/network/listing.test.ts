import { expect, test } from 'vitest'
import { type Json, nowhere, place, testCloud } from './fixture.ts'

/** Networks a, b and c of ann's, with ports in a. */
async function filled() {
  const cloud = testCloud()
  const ids: Record<string, string> = {}
  for (const name of ['b', 'a', 'c']) {
    const network = { name, description: name === 'c' ? '' : 'same', admin_state_up: name !== 'b' }
    ids[name] = (await cloud.make('ann', 'POST /v2.0/networks', { network })).id
    cloud.later(60)
  }
  await cloud.call('ann', `PUT /v2.0/networks/${ids.a}/tags`, { tags: ['red', 'blue'] })
  await cloud.call('ann', `PUT /v2.0/networks/${ids.b}/tags`, { tags: ['red'] })
  const names = async (query: string): Promise<string> => {
    const { body } = await cloud.call('ann', `GET /v2.0/networks?${query}`)
    return body.NeutronError?.message ?? body.networks.map((one: Json) => one.name).join('')
  }
  return { cloud, ids, names }
}

const filters: [query: string, names: string][] = [
  // By id when nothing else is asked for: b was made first.
  ['', 'bac'],
  ['name=a', 'a'],
  ['name=a&name=c', 'ac'],
  ['name=A', ''],
  ['name=', ''],
  ['name=a&description=same', 'a'],
  ['description=same', 'ba'],
  ['description=', 'c'],
  ['admin_state_up=False', 'b'],
  ['admin_state_up=true', 'ac'],
  ['admin_state_up=maybe', "Invalid input for operation: 'maybe' cannot be converted to boolean."],
  ['project_id=one', 'bac'],
  ['tenant_id=two', ''],
  ['id=zz', ''],
  ['shared=False', 'bac'],
  ['shared=True', ''],
  ['router:external=False', 'bac'],
  ['bogus=1', "['bogus'] is invalid attribute for filtering"],
  ['__proto__=1', "['__proto__'] is invalid attribute for filtering"],
  ['constructor=1', "['constructor'] is invalid attribute for filtering"],
  ['tags=red', 'ba'],
  ['tags=red,blue', 'a'],
  ['tags-any=blue,green', 'a'],
  ['not-tags=red', 'c'],
  ['not-tags=red,blue', 'bc'],
  ['not-tags-any=blue,green', 'bc'],
  ['changed_since=2026-01-02T03:05:05Z', 'bac'],
  ['changed_since=2026-01-02T03:08:00Z', ''],
  ['changed_since=yesterday', 'Invalid input for operation: The input yesterday must be in the following format: YYYY-MM-DDTHH:MM:SS[Z].'],
  ['sort_key=name&sort_dir=asc', 'abc'],
  ['sort_key=name&sort_dir=desc', 'cba'],
  ['sort_key=admin_state_up&sort_dir=asc&sort_key=name&sort_dir=desc', 'bca'],
  ['sort_key=name', 'The number of sort_keys and sort_dirs must be same'],
  ['sort_key=bogus&sort_dir=asc', "['bogus'] is invalid attribute for sort_keys"],
  ['sort_key=name&sort_dir=up', "['up'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'"],
  ['limit=0', 'bac'],
  ['limit=2', 'ba'],
  ['limit=3', 'bac'],
  ['limit=x', "Bad limit request: Limit must be an integer 0 or greater and not 'x'."],
  ['limit=-1', "Bad limit request: Limit must be an integer 0 or greater and not '-1'."],
  ['limit=2&page_reverse=True', 'ac'],
  [`limit=1&marker=${nowhere}`, `Network ${nowhere} could not be found.`],
]
for (const [query, expected] of filters)
  test(`?${query} → ${expected}`, async () => {
    const { names } = await filled()
    expect(await names(query)).toBe(expected)
  })

test('pages follow their links forth and back', async () => {
  const { cloud, ids } = await filled()
  const base = 'http://cloud:9696/v2.0/networks?sort_key=name&sort_dir=asc&limit=2&fields=name'
  const get = async (url: string) => (await cloud.call('ann', `GET ${url.replace('http://cloud:9696', '')}`)).body
  const first = await get(base)
  expect(first).toEqual({
    networks: [{ name: 'a' }, { name: 'b' }],
    networks_links: [
      { rel: 'next', href: `${base}&marker=${ids.b}` },
      { rel: 'previous', href: `${base}&marker=${ids.a}&page_reverse=True` },
    ],
  })
  const second = await get(first.networks_links[0].href)
  expect(second).toEqual({
    networks: [{ name: 'c' }],
    networks_links: [{ rel: 'previous', href: `${base}&marker=${ids.c}&page_reverse=True` }],
  })
  const back = await get(second.networks_links[0].href)
  expect(back.networks).toEqual([{ name: 'a' }, { name: 'b' }])
  const before = await get(first.networks_links[1].href)
  expect(before).toEqual({ networks: [], networks_links: [{ rel: 'next', href: base }] })
})

test('fields cut what is shown; unknown ones show nothing', async () => {
  const { cloud, ids } = await filled()
  const get = async (query: string) => (await cloud.call('ann', `GET /v2.0/networks${query}`)).body
  expect(await get('?name=a&fields=name&fields=id')).toEqual({ networks: [{ id: ids.a, name: 'a' }] })
  expect(await get('?name=a&fields=bogus')).toEqual({ networks: [{}] })
  expect(await get(`/${ids.a}?fields=tags`)).toEqual({ network: { tags: ['red', 'blue'] } })
})

test('what Nova asks of ports: many devices in one query', async () => {
  const cloud = testCloud()
  const { port } = await place(cloud)
  const made: Json[] = []
  for (const device_id of ['d1', 'd2', 'd3']) made.push(await port({ device_id, device_owner: 'compute:nova' }))
  const ports = async (query: string) => (await cloud.call('ann', `GET /v2.0/ports?${query}`)).body.ports.map((one: Json) => one.device_id)
  expect(await ports('device_id=d1&device_id=d3&device_id=d9&device_id=d1&tenant_id=one')).toEqual(['d1', 'd3'])
  expect(await ports('device_id=d1&tenant_id=two')).toEqual([])
  expect((await cloud.call('bob', 'GET /v2.0/ports?device_id=d1')).body.ports).toEqual([])
  const [group] = made[0].security_groups
  const { body } = await cloud.call('ann', `GET /v2.0/security-groups?id=${group}&id=${nowhere}&fields=id&fields=name`)
  expect(body).toEqual({ security_groups: [{ id: group, name: 'default' }] })
})

const portFilters: [query: string, names: string][] = [
  ['fixed_ips=ip_address=10.1.0.50', 'p'],
  ['fixed_ips=ip_address%3D10.1.0.50&fixed_ips=ip_address%3D10.1.0.61', 'pq'],
  ['fixed_ips=ip_address%3D10.1.0.50&fixed_ips=subnet_id%3D:subnet', 'p'],
  ['fixed_ips=subnet_id%3Dzz', ''],
  ['fixed_ips=ip_address_substr%3D10.1.0.6', 'q'],
  ['mac_address=FA:16:3E:00:00:01', 'p'],
  ['network_id=:network', 'pq'],
  ['security_groups=:group', 'pq'],
  ['security_groups=zz', ''],
  ['device_owner=', 'pq'],
  ['status=DOWN', 'pq'],
  ['binding:host_id=h', ''],
]
for (const [query, expected] of portFilters)
  test(`ports?${query} → ${expected}`, async () => {
    const cloud = testCloud()
    const { networkId, subnetId, port } = await place(cloud)
    const p = await port({ name: 'p', mac_address: 'fa:16:3e:00:00:01', fixed_ips: [{ ip_address: '10.1.0.50' }] })
    await port({ name: 'q', fixed_ips: [{ ip_address: '10.1.0.61' }] })
    const asked = query.replace(':subnet', subnetId).replace(':network', networkId).replace(':group', p.security_groups[0])
    const { body } = await cloud.call('ann', `GET /v2.0/ports?${asked}`)
    expect(body.ports.map((one: Json) => one.name).join('')).toBe(expected)
  })
