import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newest } from '../../src/api/spec/history.ts'
import { projectOf } from '../support/compute-api.ts'
import { port } from '../support/fake-peers.ts'
import { addHost, runComputes, stored } from '../support/hosts.ts'
import { type Farm, farm, networkId, vif } from '../support/servers.ts'
import { upstream } from './operations.ts'

// What an answer costs in statements and in questions to other services does not depend on how much it tells
let farmed: Farm
let server: string
beforeAll(async () => {
  farmed = await farm()
  farmed.answers.set('get_host_uptime', () => 'up')
  server = await farmed.server({ metadata: { a: '1' }, tags: ['a'] })
  const flavor = { name: 'small', ram: 512, vcpus: 1, disk: 1, id: 'small', 'os-flavor-access:is_public': false }
  await asked('POST /flavors', { flavor })
})
const stops: (() => Promise<void>)[] = []
afterAll(async () => {
  for (const stop of stops) await stop()
  await farmed.close()
})

const project = projectOf('admin')
const request = 'req-00000000-0000-4000-8000-000000000001'
async function asked(route: string, body?: object | null, minor = newest) {
  const response = await farmed.api.ask(`2.${minor}`, route, body)
  const answer = { status: response.status, body: response.body ? JSON.parse(String(response.body)) : null }
  expect([route, answer.status, answer.status < 300 ? '' : answer.body]).toEqual([route, expect.toSatisfy((status) => status < 300), ''])
  return answer.body
}

let grown = 0
/** One more of everything that there can be many of. */
async function grow(): Promise<void> {
  const { api, cell, fakes } = farmed
  const [n, host] = [++grown, `grown${grown}`]
  const of = { userId: 'u', projectId: project }
  await addHost(api, host)
  stops.push(await runComputes(api, [host], { get_host_uptime: () => 'up' }))
  const { aggregate } = await asked('POST /os-aggregates', { aggregate: { name: host, availability_zone: `zone${n}` } })
  await asked(`POST /os-aggregates/${aggregate.id}/action`, { add_host: { host } })
  await asked('POST /flavors', { flavor: { name: host, ram: 512, vcpus: 1, disk: 1, id: host, 'os-flavor-access:is_public': true } })
  await asked(`POST /flavors/${host}/os-extra_specs`, { extra_specs: { 'hw:cpu_policy': 'shared' } })
  await asked('POST /flavors/small/os-extra_specs', { extra_specs: { [`own${n}`]: 'x' } }, 85)
  await asked('POST /flavors/small/action', { addTenantAccess: { tenant: `project${n}` } })
  await asked('POST /os-keypairs', { keypair: { name: host, public_key: key } }, 91)
  const { server_group } = await asked('POST /os-server-groups', { server_group: { name: host, policy: 'affinity' } })
  const volume = {
    sourceType: 'volume',
    destinationType: 'volume',
    deviceName: '/dev/vdb',
    volumeId: randomUUID(),
    attachmentId: randomUUID(),
  }
  const address = { ...vif, id: randomUUID() }
  const uuid = await farmed.server({
    host,
    node: host,
    vmState: 'error',
    launchedAt: stored(api.backends.clock.now() - 3_600_000),
    metadata: { [host]: '1' },
    tags: [host],
    devices: [volume],
    vifs: [address],
    projectId: project,
  })
  fakes.ports.set(...port(address.id, networkId, project, { device_id: uuid }))
  await cell.faults.add({ instanceUuid: uuid, code: 500, message: 'x' })
  await api.backends.stores.api.database.write(async (tx) => {
    const { id } = await tx.selectFrom('instance_groups').select('id').where('uuid', '=', server_group.id).executeTakeFirstOrThrow()
    await tx.insertInto('instance_group_member').values({ group_id: id, instance_uuid: uuid }).execute()
  })
  // and of what the server has
  await cell.blockDevices.create({
    ...volume,
    volumeId: randomUUID(),
    deviceName: `/dev/x${n}`,
    instanceUuid: server,
    uuid: randomUUID(),
  } as never)
  await asked(`POST /servers/${server}/metadata`, { metadata: { [host]: '1' } })
  await asked(`PUT /servers/${server}/tags/${host}`, null)
  const own = { ...vif, id: randomUUID(), network: { ...vif.network, label: host } }
  fakes.securityGroups.set(own.id, { id: own.id, name: host, tenant_id: project } as never)
  fakes.ports.set(...port(own.id, networkId, project, { device_id: server, security_groups: [own.id] }))
  vifs.push(own)
  await cell.networkInfo.set(server, JSON.stringify(vifs))
  await cell.actions.start({ ...of, action: 'reboot', instanceUuid: server, requestId: n === 1 ? request : `req-${randomUUID()}` })
  await cell.actions.startEvent(server, request, `event${n}`, 'host1')
  const at = stored(api.backends.clock.now())
  const move = { ...of, sourceCompute: 'host1', destCompute: 'host2', createdAt: at, updatedAt: at, hidden: false, crossCellMove: false }
  for (const migrationType of ['live-migration', 'resize'] as const)
    await cell.migrations.create({ ...move, instanceUuid: server, uuid: randomUUID(), migrationType, status: 'running' })
  await asked(`PUT /os-quota-sets/project${n}`, { quota_set: { instances: n } })
}
const vifs = [vif]
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILwBxSCFgXfyVTqFXljn03HRf3sOVICQb+0LrrVKAEFP me'

interface Cost {
  /** How many things the answer tells. */
  readonly length: number
  readonly statements: number
  readonly calls: readonly string[]
  readonly messages: readonly string[]
}

async function cost(route: string, minor: number): Promise<Cost> {
  const { api, fakes } = farmed
  await farmed.heard(0)
  fakes.calls.length = 0
  const before = await api.statements()
  const body = await asked(route, undefined, minor)
  const statements = (await api.statements()) - before
  return {
    length: JSON.stringify(body).length,
    statements,
    calls: [...fakes.calls].sort(),
    messages: (await farmed.heard(0)).map(({ method }) => method),
  }
}

const span = 'start=2020-01-01T00:00:00&end=2099-01-01T00:00:00'
/** The answers that tell of many things, and how to ask for them. */
const many: Record<string, () => string> = {
  'GET /flavors': () => '/flavors?is_public=None',
  'GET /flavors/detail': () => '/flavors/detail?is_public=None',
  'GET /flavors/:flavor_id/os-extra_specs': () => '/flavors/small/os-extra_specs',
  'GET /flavors/:flavor_id/os-flavor-access': () => '/flavors/small/os-flavor-access',
  'GET /os-aggregates': () => '/os-aggregates',
  'GET /os-availability-zone': () => '/os-availability-zone',
  'GET /os-availability-zone/detail': () => '/os-availability-zone/detail',
  'GET /os-hosts': () => '/os-hosts',
  'GET /os-hypervisors': () => '/os-hypervisors',
  'GET /os-hypervisors/detail': () => '/os-hypervisors/detail',
  'GET /os-hypervisors/:id/search': () => '/os-hypervisors/grown/search',
  'GET /os-hypervisors/:id/servers': () => '/os-hypervisors/grown/servers',
  'GET /os-instance_usage_audit_log': () => '/os-instance_usage_audit_log',
  'GET /os-keypairs': () => '/os-keypairs',
  'GET /os-migrations': () => '/os-migrations',
  'GET /os-server-groups': () => '/os-server-groups',
  'GET /os-services': () => '/os-services',
  'GET /os-simple-tenant-usage': () => `/os-simple-tenant-usage?detailed=1&${span}`,
  'GET /os-simple-tenant-usage/:id': () => `/os-simple-tenant-usage/${project}?${span}`,
  'GET /os-volumes_boot': () => '/os-volumes_boot',
  'GET /os-volumes_boot/detail': () => '/os-volumes_boot/detail',
  'GET /os-volumes_boot/:id': () => `/os-volumes_boot/${server}`,
  'GET /servers': () => '/servers',
  'GET /servers/detail': () => '/servers/detail',
  'GET /servers/:id': () => `/servers/${server}`,
  'GET /servers/:server_id/ips': () => `/servers/${server}/ips`,
  'GET /servers/:server_id/metadata': () => `/servers/${server}/metadata`,
  'GET /servers/:server_id/migrations': () => `/servers/${server}/migrations`,
  'GET /servers/:server_id/os-instance-actions': () => `/servers/${server}/os-instance-actions`,
  'GET /servers/:server_id/os-instance-actions/:id': () => `/servers/${server}/os-instance-actions/${request}`,
  'GET /servers/:server_id/os-interface': () => `/servers/${server}/os-interface`,
  'GET /servers/:server_id/os-security-groups': () => `/servers/${server}/os-security-groups`,
  'GET /servers/:server_id/os-volume_attachments': () => `/servers/${server}/os-volume_attachments`,
  'GET /servers/:server_id/tags': () => `/servers/${server}/tags`,
}

/** One thing, numbers, what other services hold, or what never grows. */
const few = [
  /^GET (\/|\/extensions|\/limits)$/,
  /^GET \/(images|os-baremetal-nodes|os-floating-ip-pools|os-floating-ips|os-networks|os-security-groups|os-snapshots|os-tenant-networks|os-volumes)\b/,
  /^GET \/os-(hosts\/:id\/|hypervisors\/statistics|hypervisors\/:id\/uptime|quota)/,
  /^GET \/servers\/:server_id\/(diagnostics|os-server-password|topology|shares)$/,
  /\/:id$/,
]

test('every answer is one or the other', () => {
  const rest = upstream.filter(({ at, removed }) => at.startsWith('GET') && !removed && !(at in many))
  expect(rest.map(({ at }) => at).filter((at) => !few.some((pattern) => pattern.test(at)))).toEqual([])
})

test('with more of everything', async () => {
  for (let i = 0; i < 3; i++) await grow()
  const cases = upstream
    .filter(({ at }) => at in many)
    .flatMap((operation) => operation.boundaries.map((minor) => ({ at: operation.at, minor })))
  const costs = async () => {
    const out = new Map<string, Cost>()
    for (const { at, minor } of cases) out.set(`${at} 2.${minor}`, await cost(`GET ${many[at]!()}`, minor))
    return out
  }
  await costs()
  const before = await costs()
  for (let i = 0; i < 6; i++) await grow()
  const after = await costs()
  const wrong: unknown[] = []
  for (const [name, { length, ...same }] of after) {
    const { length: first, ...wanted } = before.get(name)!
    if (!isDeepStrictEqual(same, wanted)) wrong.push([name, wanted, same])
    if (length <= first) wrong.push([name, first, length])
  }
  expect(wrong).toEqual([])
}, 60_000)
