import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { cellId, type Person, projectOf, type TestApi, testApi } from '../../../../tests/support/compute-api.ts'
import { type FakePeers, fakePeers, image, network, port } from '../../../../tests/support/fake-peers.ts'
import { unseal } from '../../../oslo/messaging/envelope.ts'

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const ids = {
  image: uuid(1),
  queued: uuid(2),
  demanding: uuid(3),
  encrypted: uuid(4),
  fixed: uuid(5),
  odd: uuid(6),
  kernel: uuid(7),
  net: uuid(11),
  other: uuid(12),
  dry: uuid(13),
  port: uuid(21),
  usedPort: uuid(22),
  dryPort: uuid(23),
  sriov: uuid(24),
  qos: uuid(25),
  foreign: uuid(26),
  web: uuid(31),
  nobody: uuid(99),
}
const mine = projectOf('member')

let api: TestApi
let fakes: FakePeers
// biome-ignore lint/suspicious/noExplicitAny: messages are looked into at will
const casts: any[] = []
let group: string

const things = () => ({
  images: new Map([
    image(ids.image),
    image(ids.queued, { status: 'queued' }),
    image(ids.demanding, { min_ram: 4096 }),
    image(ids.encrypted, { cinder_encryption_key_id: 'k' }),
    image(ids.fixed, { auto_disk_config: 'disabled' }),
    image(ids.odd, { hw_cpu_sockets: 'many' }),
    image(ids.kernel, { kernel_id: ids.nobody }),
  ]),
  networks: new Map([
    network(ids.net, { tenant_id: mine }),
    network(ids.dry, { tenant_id: 'x'.repeat(32), subnets: [], shared: false }),
    network(ids.other, { tenant_id: projectOf('other'), 'provider:network_type': 'vlan', 'provider:physical_network': 'physnet1' }),
  ]),
  ports: new Map([
    port(ids.port, ids.net, mine),
    port(ids.usedPort, ids.net, mine, { device_id: uuid(77), fixed_ips: [{ subnet_id: 's', ip_address: '10.0.0.9' }] }),
    port(ids.dryPort, ids.net, mine, { fixed_ips: [] }),
    port(ids.sriov, ids.other, mine, { 'binding:vnic_type': 'direct', 'binding:profile': { trusted: 'yes' } }),
    port(ids.qos, ids.net, mine, { resource_request: { resources: { NET_BW_EGR_KILOBIT_PER_SEC: 1 }, required: ['CUSTOM_X'] } }),
    port(ids.foreign, ids.other, projectOf('other')),
  ]),
  securityGroups: new Map([
    [ids.web, { id: ids.web, name: 'web', tenant_id: mine }],
    [uuid(32), { id: uuid(32), name: 'twice', tenant_id: mine }],
    [uuid(33), { id: uuid(33), name: 'twice', tenant_id: mine }],
  ]),
  providers: new Map([['node1', uuid(51)]]),
})

beforeAll(async () => {
  fakes = fakePeers(things())
  api = await testApi({ peers: fakes.peers })
  await api.driver.consume({ kind: 'topic', topic: 'conductor' }, 100, (incoming) => {
    incoming.acknowledge()
    casts.push(unseal(incoming.body))
  })
  const flavor = { ram: 512, vcpus: 1, disk: 1 }
  await api.call('2.1', 'POST /flavors', { flavor: { ...flavor, name: 'small', id: 'small' } })
  await api.call('2.1', 'POST /flavors', { flavor: { ...flavor, name: 'diskless', id: 'diskless', disk: 0 } })
  await api.call('2.1', 'POST /flavors', { flavor: { ...flavor, name: 'pinned', id: 'pinned', vcpus: 2 } })
  await api.call('2.1', 'POST /flavors/pinned/os-extra_specs', { extra_specs: { 'hw:cpu_policy': 'dedicated' } })
  await api.backends.stores.api.keyPairs.create({
    userId: 'member'.padEnd(32, '0'),
    name: 'key',
    type: 'ssh',
    fingerprint: 'aa:bb',
    publicKey: 'ssh-ed25519 AAAA',
  })
  const cell = (await api.backends.stores.cells.byId(cellId))!
  const compute = { binary: 'nova-compute', topic: 'compute', version: 72, disabled: false, forcedDown: false, reportCount: 1 }
  await cell.services.create({ ...compute, host: 'host1', uuid: uuid(61) })
  await cell.services.create({ ...compute, host: 'host2', uuid: uuid(62), disabled: true })
  await cell.computeNodes.create({ host: 'host1', hypervisorHostname: 'node1', uuid: uuid(63), ...nodeSize })
  await api.backends.stores.api.hostMappings.create('host1', cellId)
  group = await makeGroup()
})
afterAll(() => api.close())
afterEach(async () => {
  casts.length = 0
  fakes.calls.length = 0
  await forgetServers()
  expect(api.errors).toEqual([])
})

const nodeSize = {
  vcpus: 8,
  memoryMb: 8192,
  localGb: 100,
  vcpusUsed: 0,
  memoryMbUsed: 0,
  localGbUsed: 0,
  hypervisorType: 'fake',
  hypervisorVersion: 1,
  cpuInfo: '{}',
}

async function makeGroup(): Promise<string> {
  const { database } = api.backends.stores.api
  await database.write(async (tx) => {
    await tx
      .insertInto('instance_groups')
      .values({ uuid: uuid(41), project_id: mine, user_id: 'u', name: 'g' })
      .execute()
    await tx
      .insertInto('instance_group_policy')
      .values({ group_id: 1, policy: 'anti-affinity', rules: '{"max_server_per_host": "2"}' })
      .execute()
  })
  return uuid(41)
}

async function forgetServers(): Promise<void> {
  const requests = await api.backends.stores.api.requests.list(null)
  if (requests.length > 0) await api.backends.stores.api.requests.discard(requests.map(({ instanceUuid }) => instanceUuid!))
}

/** What the conductor was told of a server, by its id or its reservation's. */
async function cast(id: string) {
  const about = (message: unknown) => JSON.stringify(message).includes(id)
  for (let i = 0; i < 50 && !casts.some(about); i++) await new Promise((resolve) => setTimeout(resolve, 5))
  return casts.find(about)
}

type Server = Readonly<Record<string, unknown>>
const body = (version: string, { hints, ...server }: Server) => {
  const networks = Number(version.slice(2)) >= 37 ? { networks: 'none' } : { networks: [{ uuid: ids.net }] }
  const all = { name: 'one', imageRef: ids.image, flavorRef: 'small', ...networks, ...server }
  return {
    server: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
    ...(hints ? { 'os:scheduler_hints': hints } : {}),
  }
}
const create = (version: string, server: Server = {}, as: Person = 'member') =>
  api.call(version, 'POST /servers', body(version, server), { as })

type Row = [version: string, server: Server, status: number, message?: string, as?: Person]
const spec = (server: Server) => `Additional properties are not allowed ('${Object.keys(server)[0]}' was unexpected)`
const rows: Row[] = [
  ['2.1', {}, 202],
  ['2.103', {}, 202],
  ['2.103', {}, 403, "Policy doesn't allow os_compute_api:servers:create to be performed.", 'reader'],
  // spans
  ['2.18', { description: 'x' }, 400, spec({ description: 1 })],
  ['2.19', { description: 'x' }, 202],
  ['2.31', { networks: [{ uuid: ids.net, tag: 'a' }] }, 400, spec({ tag: 1 })],
  ['2.32', { networks: [{ uuid: ids.net, tag: 'a' }] }, 202],
  ['2.41', { networks: [{ uuid: ids.net, tag: 'a' }] }, 400, 'is not valid under any of the given schemas'],
  ['2.42', { networks: [{ uuid: ids.net, tag: 'a' }] }, 202],
  ['2.36', { networks: undefined }, 202],
  ['2.37', { networks: undefined }, 400, "'networks' is a required property"],
  ['2.36', { networks: 'auto' }, 400, "'auto' is not of type 'array'"],
  ['2.37', { networks: 'auto' }, 202],
  ['2.36', { networks: [{ uuid: 'br-0' }] }, 400, 'Bad networks format: network uuid is not in proper format (br-0)'],
  ['2.51', { tags: ['a'] }, 400, spec({ tags: 1 })],
  ['2.52', { tags: ['a'] }, 202],
  ['2.56', { personality: [{ path: '/a', contents: 'YQ==' }] }, 202],
  ['2.56', { personality: [{ contents: 'YQ==' }] }, 400, "file 0 has no 'path'"],
  ['2.57', { personality: [{ path: '/a', contents: 'YQ==' }] }, 400, spec({ personality: 1 })],
  ['2.62', { trusted_image_certificates: ['c'] }, 400, spec({ trusted_image_certificates: 1 })],
  ['2.63', { trusted_image_certificates: ['c'] }, 202],
  ['2.73', { host: 'host1' }, 400, spec({ host: 1 })],
  ['2.74', { host: 'host1' }, 403, "Policy doesn't allow compute:servers:create:requested_destination to be performed."],
  ['2.89', { hostname: 'h1' }, 400, spec({ hostname: 1 })],
  ['2.90', { hostname: 'h1' }, 202],
  ['2.93', { hostname: 'h1.example.org' }, 400, 'does not match'],
  ['2.94', { hostname: 'h1.example.org' }, 202],
  ['2.94', { hostname: 'h1', max_count: 2 }, 400, 'Unable to allocate a single hostname to multiple instances'],
  // counts
  ['2.103', { min_count: 3, max_count: 2 }, 400, 'min_count must be <= max_count'],
  ['2.103', { min_count: '1', max_count: '2' }, 202],
  // images
  ['2.103', { imageRef: undefined }, 400, 'Missing imageRef attribute'],
  ['2.103', { imageRef: '' }, 400, 'Missing imageRef attribute'],
  ['2.103', { imageRef: ids.nobody }, 400, 'Can not find requested image'],
  ['2.103', { imageRef: ids.queued }, 400, `Image ${ids.queued} is not active.`],
  ['2.103', { imageRef: ids.demanding }, 400, "Flavor's memory is too small for requested image."],
  ['2.103', { imageRef: ids.encrypted }, 400, 'Direct booting of an image uploaded from an encrypted volume is unsupported.'],
  ['2.103', { imageRef: ids.fixed, 'OS-DCF:diskConfig': 'AUTO' }, 400, `Requested image ${ids.fixed} has automatic disk resize disabled.`],
  ['2.103', { imageRef: ids.fixed, 'OS-DCF:diskConfig': 'MANUAL' }, 202],
  ['2.103', { imageRef: ids.odd }, 400, 'Invalid image metadata. Error: '],
  ['2.103', { imageRef: ids.kernel }, 400, 'Can not find requested image'],
  // flavors
  ['2.103', { flavorRef: 'never-was' }, 400, 'Flavor never-was could not be found.'],
  ['2.103', { flavorRef: 'http://localhost/flavors/small' }, 202],
  ['2.103', { flavorRef: 'HTTP://localhost/flavors/small?x=/y#z' }, 202],
  ['2.103', { flavorRef: 'fa:16:3e' }, 400, 'Flavor 16:3e could not be found.'],
  ['2.103', { flavorRef: ' ' }, 400, 'Flavor  could not be found.'],
  ['2.103', { flavorRef: '//small' }, 400, 'Flavor  could not be found.'],
  ['2.103', { flavorRef: 'diskless' }, 403, 'Only volume-backed servers are allowed for flavors with zero disk.'],
  ['2.103', { flavorRef: 'diskless' }, 202, undefined, 'admin'],
  ['2.103', { flavorRef: 'pinned' }, 202],
  // key pairs
  ['2.103', { key_name: 'key' }, 202],
  ['2.103', { key_name: 'other' }, 400, 'Invalid key_name provided.'],
  ['2.103', { key_name: 'key' }, 400, 'Invalid key_name provided.', 'admin'],
  // zones and hosts
  ['2.103', { availability_zone: 'nova' }, 202],
  ['2.103', { availability_zone: 'nowhere' }, 400, 'The requested availability zone is not available'],
  ['2.103', { availability_zone: 'nova:host1' }, 403, "Policy doesn't allow os_compute_api:servers:create:forced_host to be performed."],
  ['2.103', { availability_zone: 'nova:never-was' }, 202, undefined, 'admin'],
  ['2.103', { availability_zone: 'nova:a:b:c' }, 400, 'Invalid input received: Unable to parse availability_zone', 'admin'],
  ['2.74', { host: 'host1' }, 202, undefined, 'admin'],
  ['2.74', { host: 'host9' }, 400, 'Compute host host9 could not be found.', 'admin'],
  ['2.74', { host: 'host1', hypervisor_hostname: 'node1' }, 202, undefined, 'admin'],
  ['2.74', { host: 'host1', hypervisor_hostname: 'node2' }, 400, 'Compute host host1 could not be found.', 'admin'],
  ['2.74', { hypervisor_hostname: 'node1' }, 202, undefined, 'admin'],
  ['2.74', { hypervisor_hostname: 'node2' }, 400, 'Compute host node2 could not be found.', 'admin'],
  ['2.74', { host: 'host1', availability_zone: 'nova:host1' }, 400, 'are mutually exclusive.', 'admin'],
  // networks
  ['2.103', { networks: [] }, 202],
  ['2.103', { networks: [{}] }, 400, "Bad network format: missing 'uuid'"],
  ['2.103', { networks: [{ uuid: ids.net }, { uuid: ids.net }] }, 202],
  ['2.103', { networks: [{ uuid: ids.nobody }] }, 400, `Network ${ids.nobody} could not be found.`],
  ['2.103', { networks: [{ uuid: ids.other }] }, 400, `Network ${ids.other} could not be found.`],
  ['2.103', { networks: [{ uuid: ids.dry }] }, 400, `Network ${ids.dry} requires a subnet in order to boot instances on.`, 'admin'],
  ['2.103', { networks: [{ uuid: ids.net, fixed_ip: '10.0.0.7' }] }, 202],
  [
    '2.103',
    { networks: [{ uuid: ids.net, fixed_ip: '10.0.0.9' }] },
    400,
    `Fixed IP address 10.0.0.9 is already in use on instance ${uuid(77)}.`,
  ],
  [
    '2.103',
    { networks: [{ uuid: ids.net, fixed_ip: '10.0.0.7' }], max_count: 2 },
    400,
    'max_count cannot be greater than 1 if an fixed_ip is specified.',
  ],
  ['2.103', { networks: [{ port: ids.port }] }, 202],
  ['2.103', { networks: [{ port: ids.port }], max_count: 2 }, 400, 'Unable to launch multiple instances with a single configured port ID.'],
  ['2.103', { networks: [{ port: ids.port }, { port: ids.port }] }, 400, `Port ID '${ids.port}' was specified twice`],
  [
    '2.103',
    { networks: [{ port: ids.port, fixed_ip: '10.0.0.1' }] },
    400,
    `Specified Fixed IP '10.0.0.1' cannot be used with port '${ids.port}'`,
  ],
  ['2.103', { networks: [{ port: ids.nobody }] }, 400, `Port id ${ids.nobody} could not be found.`],
  ['2.103', { networks: [{ port: ids.foreign }] }, 400, `Port id ${ids.foreign} could not be found.`],
  ['2.103', { networks: [{ port: ids.usedPort }] }, 409, `Port ${ids.usedPort} is still in use.`],
  ['2.103', { networks: [{ port: ids.dryPort }] }, 400, `Port ${ids.dryPort} requires a FixedIP in order to be used.`],
  ['2.71', { networks: [{ port: ids.qos }] }, 400, 'is not supported until microversion 2.72.'],
  ['2.72', { networks: [{ port: ids.qos }] }, 202],
  // security groups
  ['2.103', { security_groups: [] }, 202],
  ['2.103', { security_groups: [{ name: 'web' }, { name: ids.web }, { name: 'default' }] }, 202],
  ['2.103', { security_groups: [{ name: 'never-was' }] }, 400, "Unable to find security_group with name or id 'never-was'"],
  [
    '2.103',
    { security_groups: [{ name: 'twice' }] },
    409,
    "Multiple security_group matches found for name 'twice', use an ID to be more specific.",
  ],
  // hints
  ['2.103', { hints: { group: ids.nobody } }, 400, `Instance group ${ids.nobody} could not be found.`],
  ['2.103', { hints: { group: [ids.nobody] } }, 400, `Instance group ['${ids.nobody}'] could not be found.`],
  ['2.103', { hints: { group: uuid(41) } }, 202],
  ['2.103', { hints: { group: uuid(41) } }, 400, `Instance group ${uuid(41)} could not be found.`, 'other'],
  ['2.103', { hints: { query: {} } }, 400, "The scheduler hint 'query' must be a text or a list of texts"],
  ['2.103', { hints: { colour: 'red', same_host: [ids.nobody] } }, 202],
]
for (const [version, server, status, message, as = 'member'] of rows)
  test(`${version} ${as} ${JSON.stringify(server).slice(0, 90)} → ${status}`, async () => {
    const answer = await create(version, server, as)
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
    if (message !== undefined) expect((Object.values(answer.body)[0] as { message: string }).message).toContain(message)
    if (status !== 202) expect(await api.backends.stores.api.requests.list(null)).toEqual([])
  })

test('the answer', async () => {
  const answer = await create('2.1', { security_groups: [{ name: 'web' }], 'OS-DCF:diskConfig': 'AUTO' })
  const { id, adminPass } = answer.body.server
  expect(answer.body).toEqual({
    server: {
      id,
      links: [
        { rel: 'self', href: `http://nova.example:8774/v2.1/servers/${id}` },
        { rel: 'bookmark', href: `http://nova.example:8774/servers/${id}` },
      ],
      'OS-DCF:diskConfig': 'AUTO',
      security_groups: [{ name: 'web' }],
      adminPass,
    },
  })
  expect(answer.headers.location).toBe(`http://nova.example:8774/v2.1/servers/${id}`)
  for (const symbols of [/^[2-9A-HJ-NP-Za-km-z]{12}$/, /[2-9]/, /[A-Z]/, /[a-z]/]) expect(adminPass).toMatch(symbols)
  expect((await create('2.1', { adminPass: 'mine' })).body.server.adminPass).toBe('mine')
  expect((await create('2.1')).body.server.security_groups).toEqual([{ name: 'default' }])
  const reservation = await create('2.1', { return_reservation_id: true, max_count: 2 })
  expect(reservation.body).toEqual({ reservation_id: expect.stringMatching(/^r-[0-9a-z]{8}$/) })
  expect(reservation.headers.location).toBeUndefined()
})

test('a server can be shown before a cell has it', async () => {
  const { id } = (await create('2.90', { hostname: 'h1', metadata: { a: 'b' }, networks: [{ uuid: ids.net }] })).body.server
  const { server } = (await api.call('2.90', `GET /servers/${id}`, undefined, { as: 'member' })).body
  expect([server.status, server.name, server['OS-EXT-SRV-ATTR:hostname'], server.metadata, server['OS-EXT-STS:task_state']]).toEqual([
    'BUILD',
    'one',
    'h1',
    { a: 'b' },
    'scheduling',
  ])
})

/** An object of the wire, without the names of its changed fields. */
const data = (wire: { 'nova_object.data': Record<string, unknown> }) => wire['nova_object.data']

test('what is remembered and what the conductor is told', async () => {
  const server = {
    key_name: 'key',
    user_data: 'IyEvYmluL3NoCg==',
    config_drive: true,
    metadata: { role: 'web' },
    tags: ['blue'],
    description: 'all of it',
    accessIPv4: '192.0.2.4',
    availability_zone: 'nova',
    security_groups: [{ name: 'web' }],
    networks: [{ uuid: ids.net, tag: 'nic1' }],
    trusted_image_certificates: ['cert-1'],
    hints: { group, colour: ['red'], _nova_check_type: 'rebuild' },
  }
  const { id, adminPass } = (await create('2.100', server)).body.server
  const message = await cast(id)
  expect([message.method, message.namespace, message.version, message._msg_id]).toEqual([
    'schedule_and_build_instances',
    'compute_task',
    '1.17',
    undefined,
  ])
  const { args } = message
  expect(Object.keys(args)).toEqual([
    'build_requests',
    'request_specs',
    'image',
    'admin_password',
    'injected_files',
    'requested_networks',
    'block_device_mapping',
    'tags',
  ])
  expect([args.admin_password, args.injected_files]).toEqual([adminPass, []])
  expect(args.image).toMatchObject({
    id: ids.image,
    is_public: true,
    deleted: false,
    properties: {},
    created_at: '2026-03-01T10:00:00.000000',
  })

  const stored = (await api.backends.stores.api.requests.find(id))!
  const told = data(args.build_requests[0])
  expect(told).toMatchObject({ id: stored.id, instance_uuid: id, project_id: mine, updated_at: null })
  const instance = data(told.instance as never)
  expect(instance).toMatchObject({
    ...data(stored.instance as never),
    host: null,
    locked_by: null,
    hidden: false,
    info_cache: {},
    pci_requests: {},
    keypairs: {},
    trusted_certs: {},
  })
  expect(instance).toMatchObject({
    uuid: id,
    hostname: 'one',
    display_name: 'one',
    display_description: 'all of it',
    key_data: 'ssh-ed25519 AAAA',
    config_drive: 'True',
    vm_state: 'building',
    task_state: 'scheduling',
    power_state: 0,
    access_ip_v4: '192.0.2.4',
    availability_zone: 'nova',
    metadata: { role: 'web' },
    launch_index: 0,
    numa_topology: null,
    created_at: expect.stringMatching(/Z$/),
  })
  expect(instance.system_metadata).toEqual({
    image_base_image_ref: ids.image,
    image_min_ram: '0',
    image_min_disk: '1',
    image_disk_format: 'raw',
    image_container_format: 'bare',
    owner_user_name: 'member',
    owner_project_name: 'member',
  })
  expect(JSON.stringify(told)).not.toContain('nova_object.changes')
  expect(data((told.tags as never as { 'nova_object.data': { objects: never[] } })['nova_object.data'].objects[0]!)).toEqual({
    resource_id: id,
    tag: 'blue',
  })
  expect(data(data(args.tags).objects![0 as never])).toEqual({ tag: 'blue' })
  const [device] = data(told.block_device_mappings as never).objects as never[]
  expect(data(device!)).toMatchObject({
    instance_uuid: id,
    source_type: 'image',
    destination_type: 'local',
    boot_index: 0,
    image_id: ids.image,
  })

  const sent = data(args.request_specs[0])
  expect(sent).toMatchObject({
    id: expect.any(Number),
    num_instances: 1,
    scheduler_hints: { group: [group], colour: ['red'] },
    force_hosts: null,
    is_bfv: false,
    requested_resources: [],
    instance_group: { 'nova_object.data': { uuid: group, policy: 'anti-affinity', members: [], _rules: { max_server_per_host: '2' } } },
    network_metadata: { 'nova_object.data': { physnets: [], tunneled: true } },
    requested_networks: { 'nova_object.data': { objects: [{ 'nova_object.data': { network_id: ids.net, tag: 'nic1', port_id: null } }] } },
    security_groups: { 'nova_object.data': { objects: [{ 'nova_object.data': { uuid: ids.web } }] } },
  })
  expect(args.requested_networks).toEqual(sent.requested_networks)
  const spec = data((await api.backends.stores.api.requestSpecs.find(id)) as never)
  for (const name of ['network_metadata', 'requested_networks', 'request_level_params', 'id']) expect(spec).not.toHaveProperty(name)
  expect(spec.instance_group).toMatchObject({ 'nova_object.data': { uuid: group, members: null, hosts: null } })
  expect(spec).toMatchObject({ scheduler_hints: { group: [group], colour: ['red'] }, requested_resources: [] })
  expect(await api.backends.stores.api.serverMappings.find(id)).toMatchObject({
    cellId: null,
    projectId: mine,
    userId: 'member'.padEnd(32, '0'),
  })
  expect((await api.backends.stores.api.serverGroups.whole(group))!.members).toEqual([id])
})

test('ports that pass devices through, and those that ask for resources', async () => {
  const { id } = (await create('2.72', { networks: [{ port: ids.sriov }, { port: ids.qos }] })).body.server
  const { args } = await cast(id)
  const sent = data(args.request_specs[0])
  expect(sent.network_metadata).toMatchObject({ 'nova_object.data': { physnets: ['physnet1'], tunneled: true } })
  const [request] = data(sent.pci_requests as never).requests as never[]
  expect(data(request!)).toMatchObject({
    count: 1,
    requester_id: ids.sriov,
    spec: [{ physical_network: 'physnet1', remote_managed: 'False', trusted: 'True' }],
  })
  const nics = data(args.requested_networks).objects as never[]
  expect(data(nics[0]!)).toMatchObject({ port_id: ids.sriov, network_id: null, pci_request_id: data(request!).request_id })
  expect(sent.requested_resources).toMatchObject([
    { 'nova_object.data': { requester_id: ids.qos, resources: { NET_BW_EGR_KILOBIT_PER_SEC: 1 }, required_traits: ['CUSTOM_X'] } },
  ])
})

test('ports that ask for several groups of resources need computes of 24.0.0', async () => {
  const { database } = (await api.backends.stores.cells.byId(cellId))!
  const ofVersion = (version: number) => database.write((tx) => tx.updateTable('services').set({ version }).execute())
  const ask = () => create('2.72', { networks: [{ port: ids.qos }] })
  const before = fakes.ports.get(ids.qos)!
  const resource_request = { request_groups: [{ id: uuid(71), resources: { NET_BW_EGR_KILOBIT_PER_SEC: 1 }, required: [] }] }
  fakes.ports.set(ids.qos, { ...before, resource_request })
  fakes.extensions.add('port-resource-request-groups')
  try {
    await ofVersion(57)
    const { status, body } = await ask()
    expect([status, body.badRequest?.message]).toEqual([
      400,
      expect.stringMatching(/^The port-resource-request-groups neutron API extension is not/),
    ])
    await ofVersion(58)
    expect((await ask()).status).toBe(202)
  } finally {
    fakes.extensions.clear()
    fakes.ports.set(ids.qos, before)
    await ofVersion(72)
  }
})

test('a flavor that pins processors, a forced host and a destination', async () => {
  const pinned = (await create('2.74', { flavorRef: 'pinned', availability_zone: 'nova:host1:node1' }, 'admin')).body.server
  const forced = data((await cast(pinned.id)).args.request_specs[0])
  expect(forced).toMatchObject({ force_hosts: ['host1'], force_nodes: ['node1'], availability_zone: 'nova' })
  const topology = data(forced.numa_topology as never)
  expect(data((topology.cells as never[])[0]!)).toMatchObject({
    id: 0,
    cpuset: [],
    pcpuset: [0, 1],
    memory: 512,
    cpu_policy: 'dedicated',
    pagesize: null,
  })
  const { id } = (await create('2.74', { host: 'host1' }, 'admin')).body.server
  expect(data((await cast(id)).args.request_specs[0]).requested_destination).toMatchObject({
    'nova_object.data': { host: 'host1', node: null },
  })
  expect(data((await api.backends.stores.api.requestSpecs.find(id)) as never).requested_destination).toBeNull()
})

test('several at once: names with numbers, one message, as many questions and statements as for one', async () => {
  const cost = async (server: Server) => {
    fakes.calls.length = 0
    const before = await api.statements()
    const answer = await create('2.52', { ...server, networks: [{ uuid: ids.net }] })
    return { id: answer.body.server.id, cost: { statements: (await api.statements()) - before, calls: [...fakes.calls].sort() } }
  }
  await cost({})
  const one = await cost({ name: 'Web Server' })
  expect(data(data((await cast(one.id)).args.build_requests[0]).instance as never)).toMatchObject({
    display_name: 'Web Server',
    hostname: 'web-server',
  })
  await forgetServers()
  const several = await cost({ name: 'Web Server', max_count: 8, tags: ['a'] })
  const { args } = await cast(several.id)
  const names = args.build_requests
    .map((each: never) => data(data(each).instance as never))
    .map((each: Server) => [each.display_name, each.hostname, each.launch_index])
  expect(names.slice(0, 2)).toEqual([
    ['Web Server-1', 'web-server-1', 0],
    ['Web Server-2', 'web-server-2', 1],
  ])
  expect([args.build_requests.length, args.request_specs.length, data(args.request_specs[7]).num_instances]).toEqual([8, 8, 8])
  expect(several.cost).toEqual(one.cost)
  expect(one.cost.calls).toEqual(['glance image', 'neutron extensions', 'neutron networks', 'neutron networks', 'neutron quota'])
  expect(one.cost.statements).toBeLessThanOrEqual(16)
})

test('ports: a quota cuts many down and refuses too few', async () => {
  fakes.portQuota.set(mine, 10)
  const want = { networks: [{ uuid: ids.net }, { uuid: ids.net }] }
  // Six ports are there, the foreign one is not theirs
  const { id } = (await create('2.60', { ...want, min_count: 1, max_count: 4 })).body.server
  expect((await cast(id)).args.build_requests).toHaveLength(2)
  const refusal = await create('2.60', { ...want, min_count: 3, max_count: 4 })
  expect([refusal.status, refusal.body.forbidden.message]).toEqual([403, 'Maximum number of ports exceeded'])
  fakes.portQuota.set(mine, 3)
  const over = await create('2.60', want)
  expect([over.status, over.body.forbidden.message]).toEqual([403, 'The number of defined ports: 5 is over the limit: 3'])
  fakes.portQuota.delete(mine)
})

test('auto: a network is made where that is possible', async () => {
  const own = fakes.networks.get(ids.net)!
  fakes.networks.delete(ids.net)
  const refusal = await create('2.37', { networks: 'auto' })
  expect([refusal.status, refusal.body.badRequest.message]).toEqual([400, `Unable to automatically allocate a network for project ${mine}`])
  fakes.autoAllocated.add(mine)
  const { id } = (await create('2.37', { networks: 'auto' })).body.server
  expect(data(data((await cast(id)).args.requested_networks).objects![0 as never])).toMatchObject({ network_id: 'auto', port_id: null })
  fakes.networks.set(ids.net, own)
  fakes.networks.set(...network(uuid(19), { shared: true }))
  for (const networks of ['auto', []]) {
    const ambiguous = await create('2.37', { networks })
    expect([ambiguous.status, ambiguous.body.conflictingRequest.message]).toEqual([
      409,
      'Multiple possible networks found, use a Network ID to be more specific.',
    ])
  }
  fakes.networks.delete(uuid(19))
})

test('Neutron that refuses', async () => {
  fakes.fail('neutron quota', 403, 'rule:get_quota is disallowed by policy')
  const refusal = await create('2.103', { networks: [{ uuid: ids.net }] })
  expect([refusal.status, refusal.body.forbidden.message]).toEqual([403, expect.stringContaining('rule:get_quota is disallowed by policy')])
  fakes.heal()
})

test('Glance that refuses, and Glance that is not there', async () => {
  fakes.fail('glance image', 403)
  const refusal = await create('2.1')
  expect([refusal.status, refusal.body.badRequest.message]).toEqual([400, `Not authorized for image ${ids.image}.`])
  fakes.fail('glance image', 400, 'no such form')
  const wrong = (await create('2.1')).body.badRequest.message
  expect(wrong).toMatch(new RegExp(`^Request of image ${ids.image} got BadRequest response: HTTP .*no such form`))
  fakes.fail('glance image', undefined)
  expect((await create('2.1')).status).toBe(500)
  expect(api.errors.splice(0)).toHaveLength(1)
})
