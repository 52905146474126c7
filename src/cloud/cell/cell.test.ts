import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TestCell, type TestCellOptions, testCell } from '../../../tests/support/cell/cell.ts'

let t: TestCell
const begin = async (options?: TestCellOptions) => {
  t = await testCell(options)
}
afterEach(() => t.close())

describe('a new server', () => {
  beforeEach(() => begin())

  test('leaves the rows that Nova leaves', async () => {
    const [server] = await t.create({ flavor: { swap: 16 }, networks: [{ network_id: t.sharedId, tag: 'nic1' }] })
    const { uuid, host } = server!
    expect(t.errors).toEqual([])
    expect(server).toMatchObject({
      vmState: 'active',
      taskState: null,
      powerState: 1,
      node: host,
      launchedOn: host,
      availabilityZone: 'nova',
      rootDeviceName: '/dev/sda',
      displayName: 'box',
      memoryMb: 128,
      instanceTypeId: 7,
      progress: 0,
      configDrive: '',
      terminatedAt: null,
      cleaned: 0,
    })
    expect(['fake1', 'fake2']).toContain(host)
    expect(server!.launchedAt).not.toBeNull()
    expect(server!.flavor).toMatchObject({ old: null, new: null, cur: { 'nova_object.data': { flavorid: 'small', description: null } } })
    expect(await t.stores.api.requests.find(uuid)).toBeUndefined()
    expect(await t.stores.api.serverMappings.find(uuid)).toMatchObject({ cellId: t.cell.id, projectId: 'one' })
    expect((await t.cell.systemMetadata.of([uuid])).get(uuid)).toEqual({
      boot_roles: 'member,reader',
      image_base_image_ref: server!.imageRef,
      image_disk_format: 'raw',
    })
    expect((await t.cell.metadata.of([uuid])).get(uuid)).toEqual({ role: 'web' })
    const devices = (await t.cell.blockDevices.of([uuid])).get(uuid)!
    expect(devices.map((device) => [device.deviceName, device.sourceType, device.guestFormat, device.volumeSize])).toEqual([
      ['/dev/sda', 'image', null, null],
      ['/dev/sdb', 'blank', 'swap', 16],
    ])
    const [action] = (await t.cell.actions.list(uuid))!
    expect(action).toMatchObject({ action: 'create', userId: 'ann', projectId: 'one', message: null, finishTime: null })
    expect(await t.events(uuid)).toEqual([`compute__do_build_and_run_instance ${host} Success`])
    const [vif] = await t.cell.virtualInterfaces.of(uuid)
    expect(vif).toMatchObject({ tag: 'nic1', address: expect.stringMatching(/^fa:16:3e:..:..:..\/[0-9a-f-]{36}$/) })
  })

  test('has the network information that Nova would show', async () => {
    const [server] = await t.create({ networks: [{ network_id: t.sharedId }] })
    const [port] = await t.ports(server!.uuid)
    expect(port).toMatchObject({ device_owner: 'compute:nova', 'binding:host_id': server!.host, tenant_id: 'one', status: 'ACTIVE' })
    expect(server!.networkInfo).toEqual([
      {
        id: port!.id,
        address: port!.mac_address,
        network: {
          id: t.sharedId,
          bridge: 'br-int',
          label: 'shared',
          subnets: [
            {
              cidr: '10.10.0.0/16',
              dns: [],
              gateway: { address: '10.10.0.1', type: 'gateway', version: 4, meta: {} },
              ips: [{ address: port!.fixed_ips[0]!.ip_address, type: 'fixed', version: 4, meta: {}, floating_ips: [] }],
              routes: [],
              version: 4,
              meta: expect.objectContaining({ enable_dhcp: true }),
            },
          ],
          meta: { injected: false, tenant_id: 'services', mtu: expect.any(Number), physical_network: null, tunneled: expect.any(Boolean) },
        },
        type: 'ovs',
        details: expect.objectContaining({ port_filter: true }),
        devname: `tap${port!.id}`.slice(0, 14),
        ovs_interfaceid: port!.id,
        qbh_params: null,
        qbg_params: null,
        active: true,
        vnic_type: 'normal',
        profile: {},
        preserve_on_delete: false,
        delegate_create: true,
        meta: {},
      },
    ])
  })

  test('several at once spread over the hosts', async () => {
    const servers = await t.create({ count: 4 })
    expect(servers.map(({ host }) => host).sort()).toEqual(['fake1', 'fake1', 'fake2', 'fake2'])
    expect(servers.map(({ launchIndex }) => launchIndex)).toEqual([0, 1, 2, 3])
  })

  test('that fits nowhere is buried in cell0', async () => {
    const [server] = await t.create({ flavor: { memory_mb: 90_000_000 } })
    const { uuid } = server!
    expect(server).toMatchObject({
      cellId: t.cell0.id,
      vmState: 'error',
      taskState: null,
      host: null,
      availabilityZone: null,
      powerState: 0,
    })
    expect((await t.cell0.faults.latestOf([uuid])).get(uuid)).toMatchObject({
      code: 500,
      message: 'No valid host was found. ',
      host: 'peer',
    })
    const [action] = (await t.cell0.actions.list(uuid))!
    expect(action).toMatchObject({ action: 'create', message: 'Error' })
    const [event] = await t.cell0.actions.events(action!.id)
    expect(event).toMatchObject({
      event: 'conductor_schedule_and_build_instances',
      result: 'Error',
      details: 'No valid host was found. ',
      host: 'peer',
    })
    expect(await t.stores.api.serverMappings.find(uuid)).toMatchObject({ cellId: t.cell0.id })
    expect(await t.stores.api.requests.find(uuid)).toBeUndefined()
    expect((await t.cell0.blockDevices.of([uuid])).get(uuid)).toHaveLength(1)
  })

  test('whose request was deleted meanwhile is not built, and leaves no mapping', async () => {
    const { uuids, send } = await t.request()
    await t.stores.api.requests.remove(uuids[0]!)
    await send()
    const [other] = await t.create()
    expect(await t.find(uuids[0]!)).toBeUndefined()
    expect(await t.stores.api.serverMappings.find(uuids[0]!)).toBeUndefined()
    expect(await t.ports(uuids[0]!)).toEqual([])
    expect(other!.vmState).toBe('active')
  })

  test('the same message twice builds one server', async () => {
    const { uuids, send } = await t.request({ networks: [{ network_id: t.sharedId }] })
    await Promise.all([send(), send()])
    const server = await t.settled(uuids[0]!)
    await t.create()
    expect(await t.find(uuids[0]!)).toMatchObject({ vmState: 'active', host: server.host })
    expect(await t.ports(uuids[0]!)).toHaveLength(1)
    expect(t.errors).toEqual([])
  })
})

test('a tag that is said twice is one', async () => {
  await begin()
  const [server] = await t.create({ tags: ['a', 'b', 'a'] })
  expect((await t.cell.tags.of([server!.uuid])).get(server!.uuid)).toEqual(['a', 'b'])
})

describe('networks of a new server', () => {
  beforeEach(() => begin())
  const nets = async (wish: Parameters<TestCell['create']>[0]) => (await t.create(wish))[0]!
  const fault = async ({ uuid }: { uuid: string }) => (await t.cell.faults.latestOf([uuid])).get(uuid)?.message

  test('nothing in particular: the only one there is', async () => {
    expect((await nets({})).networkInfo).toHaveLength(1)
    expect((await nets({ networks: [] })).networkInfo).toHaveLength(1)
  })

  test('none', async () => {
    const server = await nets({ networks: [{ network_id: 'none' }] })
    expect(server).toMatchObject({ vmState: 'active', networkInfo: [] })
    expect(await t.ports(server.uuid)).toEqual([])
  })

  test('a port of the user is bound, and outlives the server', async () => {
    const port = await t.ann.create('ports', { network_id: t.sharedId, name: 'mine' })
    const server = await nets({ networks: [{ port_id: port.id, network_id: t.sharedId }] })
    expect(server.networkInfo).toMatchObject([{ id: port.id, preserve_on_delete: true }])
    expect(await t.ann.show('ports', port.id)).toMatchObject({ device_id: server.uuid, device_owner: 'compute:nova' })
    await t.act(server.uuid, 'deleting', 'terminate_instance', { bdms: null })
    await t.gone(server.uuid)
    expect(await t.ann.show('ports', port.id)).toMatchObject({ device_id: '', device_owner: '', status: 'DOWN' })
  })

  test('a fixed address, and one that is taken', async () => {
    const address = '10.20.0.44'
    const network_id = await t.ownNetwork('10.20.0.0/24')
    const first = await nets({ networks: [{ network_id, address }] })
    expect(first.networkInfo![0]!.network.subnets[0]!.ips[0]!.address).toBe(address)
    const second = await nets({ networks: [{ network_id, address }] })
    expect(second).toMatchObject({ vmState: 'error', host: null, node: null, availabilityZone: null })
    // each host was tried
    expect(await fault(second)).toBe(
      `Exceeded maximum number of retries. Exhausted all hosts available for retrying build failures for instance ${second.uuid}.`,
    )
    expect(await t.ports(second.uuid)).toEqual([])
  })

  test('security groups by name', async () => {
    await t.ann.create('security-groups', { name: 'web' })
    const server = await nets({ networks: [{ network_id: t.sharedId }], securityGroups: ['web'] })
    const [group] = await t.ann.list('security-groups', { name: 'web' })
    expect((await t.ports(server.uuid))[0]!.security_groups).toEqual([group!.id])
  })

  test('too many to choose from', async () => {
    await t.ownNetwork('10.20.0.0/24')
    const server = await nets({})
    expect(server.vmState).toBe('error')
  })

  test('a network that has no addresses left is an end, not a reason to try elsewhere', async () => {
    const network_id = await t.ownNetwork('10.30.0.0/30')
    await nets({ networks: [{ network_id }] })
    const second = await nets({ networks: [{ network_id }] })
    expect(await fault(second)).toBe(
      `Build of instance ${second.uuid} aborted: Failed to allocate the network(s) with error No fixed IP addresses available for network: ${network_id}, not rescheduling.`,
    )
    expect(await t.events(second.uuid)).toHaveLength(1)
  })
})

describe('a network service that fails', () => {
  test('in the middle: the next host is tried, and nothing is left behind', async () => {
    let breaks = 1
    await begin({ failing: (method, path) => method === 'PUT' && path.startsWith('/v2.0/ports/') && breaks-- > 0 })
    const [server] = await t.create({ networks: [{ network_id: t.sharedId }] })
    expect(server!.vmState).toBe('active')
    expect(await t.ports(server!.uuid)).toHaveLength(1)
    const hosts = (await t.events(server!.uuid)).map((event) => event.split(' ')[1])
    expect(hosts.sort()).toEqual(['fake1', 'fake2'])
  })
})

describe('deleting', () => {
  beforeEach(() => begin())

  test('takes the ports and leaves the rows that Nova leaves', async () => {
    const [server] = await t.create({ networks: [{ network_id: t.sharedId }] })
    const { uuid, host } = server!
    await t.act(uuid, 'deleting', 'terminate_instance', { bdms: null })
    await t.gone(uuid)
    expect(await t.ports(uuid)).toEqual([])
    const left = await t.cell.servers.find(uuid, { deletedToo: true })
    expect(left).toMatchObject({ vmState: 'deleted', taskState: null, powerState: 0, deleted: left!.id, host })
    expect(left!.terminatedAt).not.toBeNull()
    expect(await t.cell.virtualInterfaces.of(uuid)).toEqual([])
    expect((await t.events(uuid)).at(-1)).toBe(`compute_terminate_instance ${host} Success`)
  })

  test('in the middle of a build ends the build', async () => {
    const { uuids, send } = await t.request({ networks: [{ network_id: t.sharedId }] })
    await send()
    const [uuid] = uuids as [string]
    const server = await t.until(uuid, (one) => one?.host != null, 'never on a host')
    await t.act(uuid, 'deleting', 'terminate_instance', { bdms: null }, { host: server!.host! })
    await t.gone(uuid)
    expect(await t.ports(uuid)).toEqual([])
  })

  test('that fails leaves it in error, with the reason', async () => {
    await t.close()
    await begin({ failing: (method) => method === 'DELETE' })
    const [server] = await t.create({ networks: [{ network_id: t.sharedId }] })
    await t.act(server!.uuid, 'deleting', 'terminate_instance', { bdms: null })
    expect(await t.until(server!.uuid, (one) => one?.vmState === 'error', 'never in error')).toMatchObject({ deleted: 0 })
    expect((await t.events(server!.uuid)).at(-1)).toMatch(/terminate_instance .* Error/)
  })
})

describe('services', () => {
  beforeEach(() => begin())

  test('are as nova-manage would find them', async () => {
    const services = await t.cell.services.list()
    expect(services.map(({ host, binary, topic, version }) => [host, binary, topic, version])).toEqual([
      ['peer', 'nova-conductor', 'conductor', 72],
      ['peer', 'nova-scheduler', 'scheduler', 72],
      ['fake1', 'nova-compute', 'compute', 72],
      ['fake2', 'nova-compute', 'compute', 72],
    ])
    expect((await t.stores.api.hostMappings.list()).map(({ host, cellId }) => [host, cellId])).toEqual([
      ['fake1', t.cell.id],
      ['fake2', t.cell.id],
    ])
  })

  test('nodes are as the fake driver shows them, and know what their servers take', async () => {
    const [server] = await t.create({ flavor: { memory_mb: 256, vcpus: 2, root_gb: 3 } })
    await new Promise((resolve) => setTimeout(resolve, 120))
    const node = await t.cell.computeNodes.find(server!.host!, server!.host!)
    expect(node).toMatchObject({
      vcpus: 1000,
      memoryMb: 800_000,
      localGb: 600_000,
      hypervisorType: 'fake',
      hypervisorVersion: 1000,
      vcpusUsed: 2,
      memoryMbUsed: 768,
      localGbUsed: 3,
      freeRamMb: 799_232,
      freeDiskGb: 599_997,
      runningVms: 1,
      currentWorkload: 0,
      supportedInstances: '[["x86_64","fake","hvm"]]',
    })
    expect(JSON.parse(node!.stats!)).toMatchObject({ num_instances: '1', num_vm_active: '1', failed_builds: '0' })
  })

  test('a second start finds them, and the servers that are there', async () => {
    const [server] = await t.create()
    await t.restart()
    expect(await t.cell.services.list()).toHaveLength(4)
    await t.act(server!.uuid, 'powering-off', 'stop_instance', { clean_shutdown: true })
    expect(await t.settled(server!.uuid)).toMatchObject({ vmState: 'stopped', powerState: 4 })
  })
})
