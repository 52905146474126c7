import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { projectOf, type TestApi, testApi } from '../../../../tests/support/compute-api.ts'
import { type FakePeers, fakePeers, image, volume } from '../../../../tests/support/fake-peers.ts'

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
const [cirros, withMappings, snapshotted] = [uuid(1), uuid(2), uuid(3)]
const [bootable, blank, broken, multi, theirs, gold, second] = [61, 62, 63, 64, 65, 66, 67].map(uuid) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
]
const [snapshot, nobody] = [uuid(71), uuid(99)]
const mine = projectOf('member')

let api: TestApi
let fakes: FakePeers

beforeAll(async () => {
  fakes = fakePeers({
    images: new Map([
      image(cirros),
      image(withMappings, {
        mappings: JSON.stringify([
          { virtual: 'root', device: '/dev/sda' },
          { virtual: 'ephemeral0', device: 'sdb' },
          { virtual: 'swap', device: 'sdc' },
        ]),
      }),
      image(snapshotted, {
        size: 0,
        bdm_v2: 'True',
        root_device_name: '/dev/vda',
        block_device_mapping: JSON.stringify([
          {
            source_type: 'snapshot',
            destination_type: 'volume',
            snapshot_id: snapshot,
            boot_index: 0,
            volume_size: 2,
            device_name: '/dev/vda',
          },
        ]),
      }),
    ]),
    volumes: new Map([
      volume(bootable, mine),
      volume(second, mine),
      volume(blank, mine, { bootable: 'false' }),
      volume(broken, mine, { status: 'error' }),
      volume(multi, mine, { multiattach: true }),
      volume(theirs, projectOf('other')),
      volume(gold, mine, { availability_zone: 'gold' }),
    ]),
    snapshots: new Map([[snapshot, { id: snapshot, name: 's', status: 'available', size: 3, volume_id: bootable, tenant_id: mine }]]),
    volumeTypes: [{ id: uuid(81), name: 'fast' }],
  })
  api = await testApi({ peers: fakes.peers })
  const flavor = { ram: 512, vcpus: 1, disk: 2 }
  await api.call('2.1', 'POST /flavors', { flavor: { ...flavor, name: 'small', id: 'small' } })
  await api.call('2.1', 'POST /flavors', { flavor: { ...flavor, name: 'disks', id: 'disks', swap: 64, 'OS-FLV-EXT-DATA:ephemeral': 4 } })
  await api.call('2.1', 'POST /flavors', { flavor: { ...flavor, name: 'secret', id: 'secret' } })
  const specs = { 'hw:ephemeral_encryption': 'true', 'hw:ephemeral_encryption_format': 'luks' }
  await api.call('2.1', 'POST /flavors/secret/os-extra_specs', { extra_specs: specs })
})
afterAll(() => api.close())
afterEach(async () => {
  fakes.attachments.clear()
  const requests = await api.backends.stores.api.requests.list(null)
  if (requests.length > 0) await api.backends.stores.api.requests.discard(requests.map(({ instanceUuid }) => instanceUuid!))
  expect(api.errors).toEqual([])
})

type Server = Readonly<Record<string, unknown>>
const create = (version: string, server: Server) => {
  const all = { name: 'one', flavorRef: 'small', ...(Number(version.slice(2)) >= 37 && { networks: 'none' }), ...server }
  return api.call(version, 'POST /servers', { server: all }, { as: 'member' })
}

const root = { boot_index: 0, source_type: 'image', destination_type: 'volume', uuid: cirros, volume_size: 1 }
const volumeRoot = { boot_index: 0, source_type: 'volume', destination_type: 'volume', uuid: bootable }
const local = { source_type: 'blank', destination_type: 'local' }
const swap = { ...local, guest_format: 'swap' }
const v2 = (...devices: object[]) => ({ block_device_mapping_v2: devices })
const v1 = (...devices: object[]) => ({ block_device_mapping: devices })
const order = 'Block Device Mapping is Invalid: Boot sequence for the instance and image/block device mapping combination is not valid.'
const ephemeral = 'Ephemeral disks requested are larger than the instance type allows.'

type Row = [version: string, server: Server, status: number, message?: string]
const rows: Row[] = [
  ['2.103', v2(root), 202],
  ['2.103', { ...v2(root), ...v1({ volume_id: bootable }) }, 400, 'Using different block_device_mapping syntaxes is not allowed'],
  ['2.103', v2({ ...root, boot_index: null }), 400, order],
  ['2.103', v2({ ...root, boot_index: '0' }), 202],
  ['2.103', v2(root, { ...root, boot_index: 2 }), 400, order],
  ['2.103', v2(root, root), 400, order],
  ['2.103', { ...v2(root), imageRef: cirros }, 202],
  ['2.103', v2({ ...root, volume_size: undefined }), 400, "Images with destination_type 'volume' need to have a non-zero size specified"],
  ['2.103', v2({ ...root, uuid: nobody }), 400, `Block Device Mapping is Invalid: failed to get image ${nobody}.`],
  ['2.103', v2({ ...root, uuid: undefined }), 400, 'Block Device Mapping is Invalid: Missing device UUID.'],
  ['2.103', v2({ ...root, source_type: undefined }), 400, 'Block Device Mapping is Invalid: Some required fields are missing'],
  ['2.103', v2({ ...root, virtual_name: 'swap' }), 400, 'Following fields are invalid: virtual_name'],
  ['2.103', v2({ ...root, device_type: 'tape' }), 400, 'Block Device Mapping is Invalid: Field value tape is invalid'],
  ['2.103', v2({ ...root, disk_bus: 'pigeon' }), 400, 'Block Device Mapping is Invalid.'],
  ['2.103', v2({ ...root, destination_type: 'local' }), 400, 'Mapping image to local is not supported.'],
  ['2.103', { ...v2({ ...root, destination_type: 'local' }), imageRef: cirros }, 202],
  ['2.103', v2(root, { source_type: 'blank', destination_type: 'volume' }), 400, "Blank volumes (source: 'blank', dest: 'volume')"],
  ['2.103', v2(root, { source_type: 'blank', uuid: nobody }), 400, 'Invalid device UUID.'],
  ['2.103', v2(root, { ...local, volume_size: 1 }), 400, ephemeral],
  ['2.103', { ...v2(root, { ...local, volume_size: 4 }), flavorRef: 'disks' }, 202],
  ['2.103', { ...v2(root, { ...local, volume_size: 5 }), flavorRef: 'disks' }, 400, ephemeral],
  ['2.103', { ...v2(root, { ...swap, volume_size: 64 }), flavorRef: 'disks' }, 202],
  [
    '2.103',
    { ...v2(root, { ...swap, volume_size: 65 }), flavorRef: 'disks' },
    400,
    'Swap drive requested is larger than instance type allows.',
  ],
  [
    '2.103',
    { ...v2(root, { ...swap, volume_size: 1 }, { ...swap, volume_size: 1 }), flavorRef: 'disks' },
    400,
    'More than one swap drive requested.',
  ],
  [
    '2.103',
    { ...v2(root, ...Array.from({ length: 4 }, () => ({ ...local, volume_size: 1 }))), flavorRef: 'disks' },
    400,
    'You specified more local devices than the limit allows',
  ],
  // volumes
  ['2.103', v2(volumeRoot), 202],
  ['2.103', { ...v2(volumeRoot), min_count: 2 }, 400, 'Cannot attach one or more volumes to multiple instances'],
  ['2.103', v2({ ...volumeRoot, uuid: nobody }), 400, `failed to get volume ${nobody}.`],
  ['2.103', v2({ ...volumeRoot, uuid: theirs }), 400, `failed to get volume ${theirs}.`],
  ['2.103', v2({ ...volumeRoot, uuid: blank }), 400, `Block Device ${blank} is not bootable.`],
  [
    '2.103',
    v2({ ...volumeRoot, uuid: broken }),
    400,
    `Invalid volume: Invalid input received: Invalid volume: ${broken} is not available (HTTP 400)`,
  ],
  ['2.59', v2({ ...volumeRoot, uuid: multi }), 400, 'Multiattach volumes are only supported starting with compute API version 2.60.'],
  ['2.60', v2({ ...volumeRoot, uuid: multi }), 202],
  ['2.103', { ...v2({ ...volumeRoot, boot_index: -1, uuid: nobody }), imageRef: cirros }, 400, `Volume ${nobody} could not be found.`],
  ['2.103', { ...v2({ ...volumeRoot, boot_index: -1 }), imageRef: cirros }, 400, order],
  [
    '2.103',
    { ...v2({ ...root, destination_type: 'local' }, { ...volumeRoot, boot_index: -1, uuid: nobody }), imageRef: cirros },
    400,
    `Volume ${nobody} could not be found.`,
  ],
  [
    '2.103',
    { ...v2({ ...volumeRoot, device_name: 'vda' }), imageRef: cirros },
    400,
    'The volume cannot be assigned the same device name as the root device vda',
  ],
  [
    '2.103',
    { ...v2(volumeRoot), trusted_image_certificates: ['c'] },
    400,
    'Image certificate validation is not supported when booting from volume',
  ],
  // snapshots
  ['2.103', v2({ ...volumeRoot, source_type: 'snapshot', uuid: snapshot }), 202],
  ['2.103', v2({ ...volumeRoot, source_type: 'snapshot', uuid: nobody }), 400, `Snapshot ${nobody} could not be found.`],
  ['2.103', v2(root, { source_type: 'snapshot', destination_type: 'volume', uuid: nobody }), 400, `failed to get snapshot ${nobody}.`],
  // volume types
  ['2.66', v2({ ...root, volume_type: 'fast' }), 400, "Additional properties are not allowed ('volume_type' was unexpected)"],
  ['2.67', v2({ ...root, volume_type: 'fast' }), 202],
  ['2.67', v2({ ...root, volume_type: 'slow' }), 400, 'Volume type slow could not be found.'],
  ['2.67', v2({ ...volumeRoot, volume_type: 'fast' }), 400, 'Specifying volume type to existing volume is not supported.'],
  ['2.67', v2(root, { ...local, volume_type: 'fast' }), 400, 'Specifying a volume_type with destination_type=local is not supported.'],
  // tags
  ['2.32', v2({ ...root, tag: 'a' }), 202],
  ['2.33', v2({ ...root, tag: 'a' }), 400, "Additional properties are not allowed ('tag' was unexpected)"],
  ['2.41', v2({ ...root, tag: 'a' }), 400, "Additional properties are not allowed ('tag' was unexpected)"],
  ['2.42', v2({ ...root, tag: 'a' }), 202],
  // the older syntax
  ['2.1', v1({ device_name: 'vda', volume_id: bootable }), 202],
  ['2.1', v1({ device_name: 'vdb', volume_id: bootable }), 400, order],
  [
    '2.1',
    v1({ device_name: 'sda', no_device: true }, { device_name: 'vda', volume_id: blank }),
    400,
    `Block Device ${blank} is not bootable.`,
  ],
  ['2.1', v1({ device_name: 'vda', volume_id: nobody }), 400, `failed to get volume ${nobody}.`],
  ['2.1', v1({ device_name: '/dev/vda', snapshot_id: snapshot }), 202],
  ['2.1', v1({ device_name: 'vda' }), 400, 'Block Device Mapping is Invalid: Unrecognized legacy format.'],
  ['2.1', { ...v1({ device_name: 'vdb', virtual_name: 'swap' }), imageRef: cirros, flavorRef: 'disks' }, 202],
  ['2.1', { ...v1({ device_name: 'vdb', virtual_name: 'ephemeral0', volume_size: '4' }), imageRef: cirros, flavorRef: 'disks' }, 202],
  ['2.1', { ...v1({ device_name: 'vdb', no_device: true }), imageRef: cirros }, 202],
]
for (const [version, server, status, message] of rows)
  test(`${version} ${JSON.stringify(server).replaceAll('00000000-0000-4000-8000-0000000000', '')} → ${status}`, async () => {
    // the test's project has networks to choose from only by words
    const networks = Number(version.slice(2)) < 37 ? { networks: [] } : {}
    const answer = await create(version, { ...server, ...networks })
    expect([answer.status, answer.status === status ? '' : answer.body]).toEqual([status, ''])
    if (message !== undefined) expect(answer.body.badRequest.message).toContain(message)
    // Nothing stays half-made
    if (status !== 202) expect([fakes.attachments.size, await api.backends.stores.api.requests.list(null)]).toEqual([0, []])
  })

async function devicesOf(server: Server, version = '2.103') {
  const { id } = (await create(version, server)).body.server
  const stored = (await api.backends.stores.api.requests.find(id))!
  const list = (stored.blockDeviceMappings!['nova_object.data'].objects as { 'nova_object.data': Record<string, unknown> }[]).map(
    (each) => each['nova_object.data'],
  )
  return {
    id,
    devices: list,
    spec: (await api.backends.stores.api.requestSpecs.find(id))!['nova_object.data'],
    instance: stored.instance['nova_object.data'],
  }
}

test('a volume is reserved for the server, and its image decides about the guest', async () => {
  const { id, devices, spec, instance } = await devicesOf(v2(volumeRoot))
  const [attachment] = [...fakes.attachments]
  expect(attachment![1]).toEqual({ volume: bootable, server: id })
  expect(devices).toMatchObject([{ volume_id: bootable, volume_size: 2, attachment_id: attachment![0], boot_index: 0, instance_uuid: id }])
  expect(spec).toMatchObject({
    is_bfv: true,
    image: { 'nova_object.data': { size: 2 * 1024 ** 3, properties: { 'nova_object.data': { os_type: 'linux' } } } },
  })
  expect(instance).toMatchObject({ image_ref: '', os_type: 'linux', system_metadata: { image_base_image_ref: '', image_os_type: 'linux' } })
})

test('the flavor adds its disks, unless such disks are asked for', async () => {
  const sizes = async (server: Server) =>
    (await devicesOf({ flavorRef: 'disks', ...server })).devices.map((each) => [each.guest_format, each.volume_size])
  expect(await sizes({ imageRef: cirros })).toEqual([
    [null, null],
    [null, 4],
    ['swap', 64],
  ])
  expect(await sizes(v2(root, { ...local }, { ...swap, volume_size: 8 }))).toEqual([
    [null, 1],
    [null, 4],
    ['swap', 8],
  ])
})

test('an image names disks of its own', async () => {
  const named = (await devicesOf({ imageRef: withMappings, flavorRef: 'disks' })).devices
  expect(named.map((each) => [each.device_name, each.source_type, each.guest_format, each.volume_size])).toEqual([
    [null, 'image', null, null],
    ['/dev/sdb', 'blank', null, 4],
    ['/dev/sdc', 'blank', 'swap', 64],
  ])
  const restored = await devicesOf({ imageRef: snapshotted })
  expect(restored.devices).toMatchObject([{ source_type: 'snapshot', snapshot_id: snapshot, boot_index: 0, volume_size: 2 }])
  expect(restored.spec.is_bfv).toBe(true)
})

test('the name of a volume type, of a snapshot its size, of local disks how they are encrypted', async () => {
  expect((await devicesOf(v2({ ...root, volume_type: uuid(81) }))).devices).toMatchObject([{ volume_type: 'fast' }])
  expect((await devicesOf(v2({ ...volumeRoot, source_type: 'snapshot', uuid: snapshot }))).devices).toMatchObject([{ volume_size: 3 }])
  expect((await devicesOf({ imageRef: cirros, flavorRef: 'secret' })).devices).toMatchObject([
    { encrypted: true, encryption_format: 'luks' },
  ])
})

test('what was reserved is given back when a later disk cannot be had', async () => {
  const answer = await create('2.103', v2(volumeRoot, { source_type: 'volume', destination_type: 'volume', uuid: broken }))
  expect([answer.status, fakes.attachments.size]).toEqual([400, 0])
})

test('zones of volumes, where servers may not cross them', async () => {
  const strict = await testApi({ peers: fakes.peers, settings: { cinder: { crossAzAttach: false } } })
  await strict.call('2.1', 'POST /flavors', { flavor: { name: 'small', id: 'small', ram: 512, vcpus: 1, disk: 2 } })
  const cell = (await strict.backends.stores.cells.byId(2))!
  await cell.services.create({
    host: 'h',
    binary: 'nova-compute',
    topic: 'compute',
    version: 72,
    disabled: false,
    forcedDown: false,
    reportCount: 1,
  })
  const ask = (server: Server) =>
    strict.call('2.103', 'POST /servers', { server: { name: 'one', flavorRef: 'small', networks: 'none', ...server } }, { as: 'member' })
  const zoneOf = async (id: string) => (await strict.backends.stores.api.requests.find(id))!.instance['nova_object.data'].availability_zone
  expect(await zoneOf((await ask(v2({ ...volumeRoot, uuid: gold }))).body.server.id)).toBe('gold')
  expect(await zoneOf((await ask(v2(volumeRoot))).body.server.id)).toBe(null)
  const message = async (server: Server) => (await ask(server)).body.badRequest.message
  expect(await message({ ...v2({ ...volumeRoot, uuid: gold }), availability_zone: 'nova' })).toBe(
    'The availability zone between the server and its attached volumes do not match: Server and volumes are not in the same availability zone. Server is in: nova. Volumes are in: gold.',
  )
  expect(await message(v2(volumeRoot, { source_type: 'volume', destination_type: 'volume', uuid: gold }))).toContain(
    'Volumes are in different availability zones: nova,gold.',
  )
  await strict.close()
})

test('Cinder that refuses', async () => {
  fakes.fail('cinder types', 403, 'not yours')
  const answer = await create('2.67', v2({ ...root, volume_type: 'fast' }))
  expect([answer.status, answer.body.forbidden.message]).toEqual([403, 'not yours (HTTP 403) (Request-ID: req-fake)'])
  fakes.heal()
})
