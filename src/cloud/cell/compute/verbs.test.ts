import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestCell, testCell } from '../../../../tests/support/cell/cell.ts'
import { contextOf } from '../../../../tests/support/cell/people.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import type { TaskState, VmState } from '../states.ts'
import type { VerbName } from './index.ts'

let t: TestCell
let server: Server
let own: string
beforeAll(async () => {
  t = await testCell()
  own = await t.ownNetwork('10.20.0.0/24')
  ;[server] = (await t.create({ networks: [{ network_id: t.sharedId }] })) as [Server]
})
afterAll(() => t.close())

type Args = Readonly<Record<string, unknown>>
type Row = [verb: VerbName, from: VmState, task: TaskState, args: Args, to: VmState, power: number]

/** One server goes through all of it, in this order. Powers are those of Nova's fake driver. */
const rows: Row[] = [
  ['stop_instance', 'active', 'powering-off', { clean_shutdown: true }, 'stopped', 4],
  ['start_instance', 'stopped', 'powering-on', {}, 'active', 1],
  ['pause_instance', 'active', 'pausing', {}, 'paused', 1],
  ['unpause_instance', 'paused', 'unpausing', {}, 'active', 1],
  ['suspend_instance', 'active', 'suspending', {}, 'suspended', 1],
  ['resume_instance', 'suspended', 'resuming', {}, 'active', 1],
  ['reboot_instance', 'active', 'rebooting', { reboot_type: 'SOFT', block_device_info: null }, 'active', 1],
  ['reboot_instance', 'active', 'rebooting_hard', { reboot_type: 'HARD', block_device_info: null }, 'active', 1],
  ['stop_instance', 'active', 'powering-off', { clean_shutdown: false }, 'stopped', 4],
  ['reboot_instance', 'stopped', 'rebooting_hard', { reboot_type: 'HARD', block_device_info: null }, 'active', 1],
  ['soft_delete_instance', 'active', 'soft-deleting', {}, 'soft-delete', 1],
  ['restore_instance', 'soft-delete', 'restoring', {}, 'active', 1],
  ['unrescue_instance', 'rescued', 'unrescuing', {}, 'active', 1],
]

describe('verbs', () => {
  for (const [verb, from, task, args, to, power] of rows)
    test(`${verb} ${JSON.stringify(args)}: ${from} → ${to}`, async () => {
      const { uuid, host } = server
      await t.cell.servers.update(uuid, { vmState: from })
      const request = await t.act(uuid, task, verb, args)
      expect(await t.settled(uuid)).toMatchObject({ vmState: to, taskState: null, powerState: power })
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(await t.events(uuid, request)).toEqual([`compute_${verb} ${host} Success`])
      expect(t.errors).toEqual([])
    })

  for (const [verb, , task, args] of rows.slice(0, 8))
    test(`${verb} leaves a server alone that is not ${task}`, async () => {
      await t.cell.servers.update(server.uuid, { vmState: 'active', taskState: 'rebuilding' })
      await t.act(server.uuid, null, verb, args)
      // behind it in the same queue
      await t.call(server, 'get_console_output', { tail_length: null })
      expect(await t.find(server.uuid)).toMatchObject({ vmState: 'active', taskState: 'rebuilding' })
      await t.cell.servers.update(server.uuid, { taskState: null })
    })

  test('rescue from the image it was made of', async () => {
    const image = await t.images.create({ name: 'r', disk_format: 'raw', container_format: 'bare' })
    await t.act(server.uuid, 'rescuing', 'rescue_instance', { rescue_password: 'p', clean_shutdown: true, rescue_image_ref: image.id })
    expect(await t.settled(server.uuid)).toMatchObject({ vmState: 'rescued', powerState: 4 })
    await t.act(server.uuid, 'unrescuing', 'unrescue_instance')
    expect(await t.settled(server.uuid)).toMatchObject({ vmState: 'active', powerState: 1 })
  })

  test('a stopped server can be stopped although the task was taken from it', async () => {
    await t.act(server.uuid, 'powering-off', 'stop_instance', { clean_shutdown: true })
    await t.settled(server.uuid)
    await t.act(server.uuid, 'powering-off', 'stop_instance', { clean_shutdown: true })
    expect(await t.settled(server.uuid)).toMatchObject({ vmState: 'stopped' })
    await t.act(server.uuid, 'powering-on', 'start_instance')
    await t.settled(server.uuid)
  })
})

describe('images', () => {
  const made = async (type: string, more = {}) => {
    const values = { name: 's', image_type: type, instance_uuid: server.uuid, ...more }
    return (await t.images.create(values)).id
  }

  test('a snapshot fills the image that the API has made', async () => {
    const id = await made('snapshot')
    await t.act(server.uuid, 'image_snapshot_pending', 'snapshot_instance', { image_id: id })
    expect(await t.settled(server.uuid)).toMatchObject({ vmState: 'active', powerState: 1 })
    expect(await t.images.show(id)).toMatchObject({
      status: 'active',
      disk_format: 'raw',
      container_format: 'bare',
      size: 262144,
      image_location: 'snapshot',
      image_state: 'available',
      owner_id: 'one',
    })
  })

  test('without its image, which somebody has deleted, it ends, and the server goes on', async () => {
    const id = await made('snapshot')
    await t.images.remove(id)
    const request = await t.act(server.uuid, 'image_snapshot_pending', 'snapshot_instance', { image_id: id })
    expect(await t.settled(server.uuid)).toMatchObject({ vmState: 'active' })
    await expect.poll(() => t.events(server.uuid, request)).toEqual([`compute_snapshot_instance ${server.host} Success`])
    expect(await t.cell.faults.latestOf([server.uuid])).toEqual(new Map())
  })

  test('a snapshot ends with its server, and its image goes too', async () => {
    const id = await made('snapshot')
    const rule = { action: 'snapshot', effect: 'slow', seconds: 0.2, times: 1 }
    await t.rpc.call({ topic: 'nova-ts-faults', version: '1.0' }, contextOf('root'), 'add', { rule } as never)
    const request = await t.act(server.uuid, 'image_snapshot_pending', 'snapshot_instance', { image_id: id })
    await t.until(server.uuid, (one) => one?.taskState === 'image_pending_upload', 'never begun')
    await t.cell.servers.update(server.uuid, { taskState: 'deleting' })
    await expect.poll(() => t.events(server.uuid, request)).toEqual([`compute_snapshot_instance ${server.host} Success`])
    expect([await t.images.show(id), await t.cell.faults.latestOf([server.uuid])]).toEqual([undefined, new Map()])
    await t.cell.servers.update(server.uuid, { taskState: null })
  })

  test('of backups of a kind as many are kept as were asked for', async () => {
    const ids: string[] = []
    for (let i = 0; i < 3; i++) {
      const id = await made('backup', { backup_type: 'daily' })
      ids.push(id)
      const request = await t.act(server.uuid, 'image_backup', 'backup_instance', { image_id: id, backup_type: 'daily', rotation: 2 })
      await t.settled(server.uuid)
      await expect.poll(() => t.events(server.uuid, request)).toEqual([`compute_backup_instance ${server.host} Success`])
      t.clock.ahead += 1000
    }
    const left = await t.images.list({ image_type: 'backup' })
    expect(left.map(({ id, status }) => [id, status]).sort()).toEqual([ids[1], ids[2]].map((id) => [id, 'active']).sort())
  })
})

describe('calls', () => {
  const asked = (name: string, args: Args = {}) => t.call(server, name, args)

  const consoles: [name: string, type: string, url: RegExp | string][] = [
    ['get_vnc_console', 'novnc', /^http:\/\/127\.0\.0\.1:6080\/vnc_auto\.html\?path=%3Ftoken%3D[0-9a-f-]{36}$/],
    ['get_vnc_console', 'serial', 'ConsoleTypeInvalid'],
    ['get_spice_console', 'spice-html5', /^http:\/\/127\.0\.0\.1:6082\/spice_auto\.html\?token=[0-9a-f-]{36}$/],
    ['get_spice_console', 'spice-direct', /^http:\/\/127\.0\.0\.1:13002\/nova\?token=/],
    ['get_spice_console', 'novnc', 'ConsoleTypeInvalid'],
    ['get_serial_console', 'serial', /^ws:\/\/127\.0\.0\.1:6083\/\?token=/],
    ['get_mks_console', 'webmks', 'ConsoleTypeUnavailable'],
  ]
  for (const [name, type, outcome] of consoles)
    test(`${name} ${type}`, async () => {
      const answer = asked(name, { console_type: type })
      if (typeof outcome === 'string') return expect(answer).rejects.toMatchObject({ className: outcome, module: 'nova.exception' })
      const { access_url, token, host, port } = (await answer) as { access_url: string; token: string; host: string; port: number }
      expect(access_url).toMatch(outcome)
      expect(await t.cell.consoleTokens.find(token)).toMatchObject({ host, port, consoleType: type, instanceUuid: server.uuid })
    })

  const tails: [length: unknown, text: string][] = [
    [null, 'FAKE CONSOLE OUTPUT\nANOTHER\nLAST LINE'],
    [2, 'ANOTHER\nLAST LINE'],
    ['1', 'LAST LINE'],
    [-1, 'ANOTHER\nLAST LINE'],
    [0, ''],
    ['x', ''],
  ]
  for (const [length, text] of tails)
    test(`console output, length ${JSON.stringify(length)}`, async () => {
      expect(await asked('get_console_output', { tail_length: length })).toBe(text)
    })

  test('diagnostics of a running server, and of one that does not run', async () => {
    expect(await asked('get_diagnostics')).toMatchObject({ cpu0_time: 17300000000, vda_errors: -1 })
    expect(await asked('get_instance_diagnostics')).toMatchObject({
      'nova_object.name': 'Diagnostics',
      'nova_object.data': { state: 'running', num_cpus: 1, nic_details: [{ 'nova_object.data': { rx_packets: 26701 } }] },
    })
    await t.act(server.uuid, 'powering-off', 'stop_instance')
    const stopped = await t.settled(server.uuid)
    await expect(t.call(stopped, 'get_diagnostics')).rejects.toMatchObject({ className: 'InstanceInvalidState', kwargs: { code: 400 } })
    await t.cell.servers.update(server.uuid, { taskState: 'updating_password' })
    await expect(t.call(stopped, 'set_admin_password', { new_pass: 'x' })).rejects.toMatchObject({
      className: 'InstancePasswordSetFailed',
      message: `Failed to set admin password on ${server.uuid} because instance ${server.uuid} is not running`,
    })
    await t.act(server.uuid, 'powering-on', 'start_instance')
    await t.settled(server.uuid)
  })

  test('a password', async () => {
    await t.cell.servers.update(server.uuid, { taskState: 'updating_password' })
    expect(await asked('set_admin_password', { new_pass: 'x' })).toBeNull()
    expect(await t.find(server.uuid)).toMatchObject({ taskState: null })
  })

  const hosts: [name: string, args: Args, answer: unknown][] = [
    ['host_power_action', { action: 'startup' }, 'startup'],
    ['host_maintenance_mode', { host: 'fake1', mode: true }, 'on_maintenance'],
    ['host_maintenance_mode', { host: 'fake1', mode: false }, 'off_maintenance'],
    ['set_host_enabled', { enabled: true }, 'enabled'],
    ['set_host_enabled', { enabled: false }, 'disabled'],
    ['cache_images', { image_ids: ['i1'] }, { i1: 'cached' }],
    ['cache_images', { image_ids: ['i1', 'i2'] }, { i1: 'existing', i2: 'cached' }],
  ]
  for (const [name, args, answer] of hosts)
    test(`${name} ${JSON.stringify(args)}`, async () => {
      expect(await asked(name, args)).toEqual(answer)
    })

  test('the fake driver knows no uptime', async () => {
    await expect(asked('get_host_uptime')).rejects.toMatchObject({ className: 'NotImplementedError', module: 'builtins' })
  })

  test('of a server that is not there', async () => {
    const missing = { ...server, uuid: 'ffffffff-ffff-4fff-8fff-ffffffffffff' }
    await expect(t.call(missing, 'get_console_output', { tail_length: null })).rejects.toMatchObject({
      className: 'InstanceNotFound',
      message: 'Instance ffffffff-ffff-4fff-8fff-ffffffffffff could not be found.',
    })
  })

  test('volumes that are not there: a name is given, and what is done with them fails', async () => {
    const device = (await asked('reserve_block_device_name', {
      device: '/dev/vdk',
      volume_id: 'v1',
      disk_bus: null,
      device_type: null,
      tag: null,
    })) as {
      'nova_object.data': { device_name: string }
    }
    expect(device['nova_object.data']).toMatchObject({ device_name: '/dev/sdk', volume_id: 'v1', instance_uuid: server.uuid })
    await expect(asked('reserve_block_device_name', { device: null, volume_id: 'v1' })).rejects.toMatchObject({
      className: 'InvalidVolume',
    })
    await expect(asked('detach_volume', { volume_id: 'v1' })).rejects.toMatchObject({ className: 'VolumeNotFound' })
    await expect(asked('detach_volume', { volume_id: 'v2' })).rejects.toMatchObject({ className: 'VolumeBDMNotFound' })
    await expect(asked('attach_volume', { bdm: device })).rejects.toMatchObject({ className: 'VolumeNotFound' })
    expect((await t.cell.blockDevices.of([server.uuid])).get(server.uuid)).toHaveLength(1)
    await expect(asked('volume_snapshot_create', { volume_id: 'v1', create_info: {} })).rejects.toMatchObject({
      className: 'NotImplementedError',
    })
    t.errors.length = 0
  })
})

describe('interfaces', () => {
  const attach = (values: Args) =>
    t.call(server, 'attach_interface', { network_id: null, port_id: null, requested_ip: null, tag: null, ...values })
  const ids = async () => (await t.find(server.uuid))!.networkInfo!.map(({ id }) => id)
  beforeEach(() => {
    t.errors.length = 0
  })

  test('one more, and it goes again with its port', async () => {
    const before = await ids()
    const vif = (await attach({ network_id: own, requested_ip: '10.20.0.9', tag: 'second' })) as { id: string }
    expect(vif).toMatchObject({ network: { id: own }, preserve_on_delete: false })
    expect(await ids()).toEqual([...before, vif.id])
    await t.act(server.uuid, null, 'detach_interface', { port_id: vif.id })
    await expect.poll(ids).toEqual(before)
    expect(await t.ann.show('ports', vif.id)).toBeUndefined()
  })

  test("the user's own port stays when it is taken away", async () => {
    const port = await t.ann.create('ports', { network_id: t.sharedId })
    await attach({ port_id: port.id })
    await t.act(server.uuid, null, 'detach_interface', { port_id: port.id })
    await expect.poll(async () => (await t.ann.show('ports', port.id))?.device_id).toBe('')
  })

  test('a port that is attached already is refused, and stays attached', async () => {
    const [port] = await ids()
    await expect(attach({ port_id: port })).rejects.toMatchObject({ className: 'PortInUse', message: `Port ${port} is still in use.` })
    expect(await ids()).toEqual([port])
    expect(await t.ports(server.uuid)).toHaveLength(1)
  })

  const refused: [what: string, values: (own: { id: string }) => Args, className: string][] = [
    ['a port that is in use', ({ id }) => ({ port_id: id }), 'PortInUse'],
    ['a port that is not there', () => ({ port_id: 'ffffffff-ffff-4fff-8fff-ffffffffffff' }), 'PortNotFound'],
    ['a network that is not there', () => ({ network_id: 'ffffffff-ffff-4fff-8fff-ffffffffffff' }), 'NetworkNotFound'],
    ['an address of another network', () => ({ network_id: own, requested_ip: '192.0.2.1' }), 'InvalidInput'],
    ['an address of a network that others share', () => ({ network_id: t.sharedId, requested_ip: '10.0.0.77' }), 'Forbidden'],
  ]
  for (const [what, values, className] of refused)
    test(`${what} is ${className}`, async () => {
      const taken = await t.ann.create('ports', { network_id: t.sharedId, device_id: 'x' })
      await expect(attach(values(taken))).rejects.toMatchObject({ className, module: 'nova.exception' })
    })

  test('a second address, and without it again', async () => {
    await attach({ network_id: own })
    const addresses = async () =>
      (await t.find(server.uuid))!.networkInfo![1]!.network.subnets.flatMap(({ ips }) => ips.map(({ address }) => address))
    const [first] = await addresses()
    await t.act(server.uuid, null, 'add_fixed_ip_to_instance', { network_id: own })
    await expect.poll(async () => (await addresses()).length).toBe(2)
    await t.act(server.uuid, null, 'remove_fixed_ip_from_instance', { address: (await addresses()).find((each) => each !== first) })
    await expect.poll(addresses).toEqual([first])
    await t.act(server.uuid, null, 'detach_interface', { port_id: (await ids())[1] })
    await expect.poll(async () => (await ids()).length).toBe(1)
  })

  test('what Neutron tells of is looked at: a floating address, a port that is gone', async () => {
    const outside = await t.peers.neutron.own.create('networks', { name: 'ext', 'router:external': true })
    await t.peers.neutron.own.create('subnets', { network_id: outside.id, cidr: '203.0.113.0/24', ip_version: 4, enable_dhcp: false })
    const [subnet] = await t.peers.neutron.own.list('subnets', { network_id: t.sharedId })
    const { session } = t.peers.neutron.own
    const gateway = { external_gateway_info: { network_id: outside.id }, name: 'r' }
    const { router } = (await session.request({ method: 'POST', path: '/v2.0/routers', json: { router: gateway } })).json<{
      router: { id: string }
    }>()
    await session.request({ method: 'PUT', path: `/v2.0/routers/${router.id}/add_router_interface`, json: { subnet_id: subnet!.id } })
    const [port] = await ids()
    const floating = await t.peers.neutron.own.create('floatingips', { floating_network_id: outside.id, port_id: port, tenant_id: 'one' })
    await t.event(server, 'network-changed', port!)
    const shown = async () => (await t.find(server.uuid))!.networkInfo![0]!.network.subnets[0]!.ips[0]!.floating_ips
    await expect.poll(shown).toEqual([{ address: floating.floating_ip_address, type: 'floating', version: 4, meta: {} }])
    const vif = (await attach({ network_id: t.sharedId })) as { id: string }
    await t.peers.neutron.own.remove('ports', vif.id)
    await t.event(server, 'network-vif-deleted', vif.id)
    await expect.poll(ids).toEqual([port])
  })
})
