/** What computes and the conductor are told: arguments, and how much of the server, as Nova 33.0.2 was seen to send them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Farm, farm, imageId, type NewServer, portId } from '../../../../../tests/support/servers.ts'

let farmed: Farm
beforeAll(async () => {
  farmed = await farm()
  await farmed.api.call('2.1', 'POST /flavors', { flavor: { name: 'big', id: 'big', ram: 1024, vcpus: 2, disk: 2 } })
})
afterAll(async () => {
  expect(farmed.api.errors).toEqual([])
  await farmed.close()
})

/** Fields that are no columns of the server's row. */
const loadable = [
  'metadata',
  'system_metadata',
  'info_cache',
  'security_groups',
  'flavor',
  'old_flavor',
  'new_flavor',
  'numa_topology',
  'pci_requests',
  'pci_devices',
  'vcpu_model',
  'migration_context',
  'device_metadata',
  'resources',
  'trusted_certs',
  'keypairs',
  'services',
  'tags',
  'fault',
  'ec2_ids',
]
const brief = ['metadata', 'system_metadata']
const usual = [...brief, 'info_cache', 'security_groups']
const flavors = ['flavor', 'old_flavor', 'new_flavor']
const sized = [...usual, ...flavors]
const detailed = [...sized, 'numa_topology']

const an = expect.anything()
const object = (name: string, data: object = {}) =>
  expect.objectContaining({ 'nova_object.name': name, 'nova_object.data': expect.objectContaining(data) })
const spec = (data: object = {}) => object('RequestSpec', data)
const resized: NewServer = { vmState: 'resized', flavors: { old: { id: 9, name: 'old' } } }

interface Case {
  readonly body?: object
  readonly version?: string
  readonly how?: NewServer
  readonly fields: readonly string[]
  readonly args: object
  readonly rpc?: string
}

const onCompute = '6.0'
const cases: Record<string, Case> = {
  'os-start': { how: { vmState: 'stopped' }, fields: brief, args: {} },
  'os-stop': { fields: brief, args: { clean_shutdown: true } },
  reboot: { body: { reboot: { type: 'Soft' } }, fields: detailed, args: { block_device_info: null, reboot_type: 'SOFT' } },
  pause: { fields: usual, args: {} },
  unpause: { how: { vmState: 'paused' }, fields: usual, args: {} },
  suspend: { fields: sized, args: {} },
  resume: { how: { vmState: 'suspended' }, fields: usual, args: {} },
  trigger_crash_dump: { fields: brief, args: {} },
  injectNetworkInfo: { fields: usual, args: {} },
  rescue: {
    body: { rescue: { adminPass: 'secret', rescue_image_ref: imageId } },
    fields: sized,
    args: { rescue_password: 'secret', rescue_image_ref: imageId, clean_shutdown: true },
  },
  unrescue: { how: { vmState: 'rescued' }, fields: usual, args: {} },
  changePassword: { body: { changePassword: { adminPass: 'secret' } }, fields: usual, args: { new_pass: 'secret' } },
  shelve: { fields: sized, args: { image_id: an, clean_shutdown: true, accel_uuids: [] } },
  shelveOffload: { how: { vmState: 'shelved' }, fields: sized, args: { clean_shutdown: true, accel_uuids: [] } },
  unshelve: { how: { vmState: 'shelved' }, fields: usual, args: { request_spec: spec() }, rpc: '1.14' },
  createImage: { body: { createImage: { name: 'i' } }, fields: detailed, args: { image_id: an } },
  createBackup: {
    body: { createBackup: { name: 'b', backup_type: 'weekly', rotation: '2' } },
    fields: usual,
    args: { image_id: an, backup_type: 'weekly', rotation: 2 },
  },
  forceDelete: { fields: detailed, args: { bdms: object('BlockDeviceMappingList', { objects: [object('BlockDeviceMapping')] }) } },
  addFixedIp: { body: { addFixedIp: { networkId: 7 } }, version: '2.43', fields: usual, args: { network_id: 7 } },
  removeFixedIp: { body: { removeFixedIp: { address: '10.0.0.5' } }, version: '2.43', fields: usual, args: { address: '10.0.0.5' } },
  resize: {
    body: { resize: { flavorRef: 'big' } },
    fields: ['services', ...detailed, 'pci_devices', 'pci_requests', 'vcpu_model', 'trusted_certs', 'resources'],
    args: {
      scheduler_hint: { filter_properties: { ignore_hosts: ['host1'] } },
      live: false,
      rebuild: false,
      flavor: object('Flavor', { name: 'big', memory_mb: 1024, vcpus: 2, extra_specs: {} }),
      block_migration: null,
      disk_over_commit: null,
      reservations: null,
      clean_shutdown: true,
      request_spec: spec({ ignore_hosts: ['host1'], requested_destination: object('Destination', { allow_cross_cell_move: false }) }),
      host_list: null,
    },
    rpc: '1.20',
  },
  migrate: {
    body: { migrate: { host: 'host2' } },
    fields: ['services', ...sized],
    args: {
      scheduler_hint: { filter_properties: { ignore_hosts: ['host1'] } },
      live: false,
      rebuild: false,
      flavor: object('Flavor', { name: 'small' }),
      block_migration: null,
      disk_over_commit: null,
      reservations: null,
      clean_shutdown: true,
      request_spec: spec({
        ignore_hosts: ['host1'],
        requested_destination: object('Destination', { host: 'host2', node: 'host2', allow_cross_cell_move: false }),
      }),
      host_list: null,
    },
    rpc: '1.20',
  },
  revertResize: { how: resized, fields: detailed, args: { migration: object('Migration', { status: 'reverting' }), request_spec: spec() } },
  confirmResize: { how: resized, fields: detailed, args: { migration: object('Migration', { status: 'confirming' }) } },
  rebuild: {
    body: { rebuild: { imageRef: imageId, adminPass: 'secret', preserve_ephemeral: true } },
    fields: [...detailed, 'pci_devices', 'pci_requests', 'migration_context', 'trusted_certs', 'resources'],
    args: {
      new_pass: 'secret',
      injected_files: [],
      image_ref: imageId,
      orig_image_ref: imageId,
      orig_sys_metadata: { image_base_image_ref: imageId, image_min_ram: '0', image_min_disk: '1' },
      bdms: object('BlockDeviceMappingList'),
      recreate: false,
      on_shared_storage: false,
      preserve_ephemeral: true,
      host: 'host1',
      request_spec: spec(),
      reimage_boot_volume: false,
      target_state: null,
    },
    rpc: '1.25',
  },
  'os-migrateLive': {
    body: { 'os-migrateLive': { host: null, block_migration: 'auto' } },
    fields: detailed,
    args: { scheduler_hint: { host: null }, block_migration: null, disk_over_commit: null, request_spec: spec() },
    rpc: '1.15',
  },
}

test.each(Object.entries(cases))('%s', async (name, { body = { [name]: null }, version = '2.90', how, fields, args, rpc = onCompute }) => {
  const uuid = await farmed.server(how)
  if (how === resized) await farmed.cell.migrations.create({ ...move, uuid: crypto.randomUUID(), instanceUuid: uuid })
  const answer = await farmed.api.call(version, `POST /servers/${uuid}/action`, body)
  expect([answer.status, answer.status >= 300 && answer.body]).toEqual([answer.status, false])
  const [message] = await farmed.heard()
  const { instance, ...rest } = message!.args
  expect(rest).toEqual(args)
  expect(message!.version).toBe(rpc)
  const data = instance['nova_object.data']
  expect(
    Object.keys(data)
      .filter((key) => loadable.includes(key))
      .sort(),
  ).toEqual([...fields].sort())
  expect([data.uuid, data.task_state, instance['nova_object.changes']]).toEqual([uuid, (await farmed.row(uuid)).taskState, undefined])
})

const move = {
  status: 'finished',
  sourceCompute: 'host2',
  destCompute: 'host1',
  migrationType: 'resize',
  crossCellMove: false,
  hidden: false,
} as const

test('evacuating to a host that is named', async () => {
  const uuid = await farmed.server({ host: 'host3', node: 'host3' })
  const body = { evacuate: { host: 'host2', adminPass: 'secret' } }
  expect((await farmed.api.call('2.95', `POST /servers/${uuid}/action`, body)).status).toBe(200)
  const [message] = await farmed.heard()
  const { instance, request_spec, ...rest } = message!.args
  expect(rest).toEqual({
    new_pass: 'secret',
    injected_files: null,
    image_ref: null,
    orig_image_ref: null,
    orig_sys_metadata: null,
    bdms: null,
    recreate: true,
    on_shared_storage: null,
    preserve_ephemeral: false,
    host: null,
    reimage_boot_volume: false,
    target_state: 'stopped',
  })
  expect(instance['nova_object.data'].task_state).toBe('rebuilding')
  const { requested_destination } = request_spec['nova_object.data']
  expect(requested_destination['nova_object.data']).toMatchObject({ host: 'host2', node: 'host2' })
  const moves = await farmed.cell.migrations.ofServer(uuid, ['accepted'])
  expect(moves).toMatchObject([{ migrationType: 'evacuation', sourceCompute: 'host3', destCompute: 'host2' }])
})

test('detaching an interface', async () => {
  const uuid = await farmed.server()
  expect((await farmed.api.call('2.90', `DELETE /servers/${uuid}/os-interface/${portId}`)).status).toBe(202)
  const [message] = await farmed.heard()
  expect(message).toMatchObject({ to: 'compute.host1', method: 'detach_interface', args: { port_id: portId } })
  expect(Object.keys(message!.args.instance['nova_object.data'])).toContain('device_metadata')
})
