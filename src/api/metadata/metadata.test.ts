import { afterAll, beforeAll, expect, test } from 'vitest'
import { flavorNamed, type TestMetadata, testMetadata, wire } from '../../../tests/support/metadata-service.ts'

const full = '00000000-0000-4000-8000-00000000000a'
const bare = '00000000-0000-4000-8000-00000000000b'
const key = 'ssh-ed25519 AAAA user@example'

const subnet = {
  cidr: '10.0.0.0/24',
  version: 4,
  dns: [],
  gateway: { address: '10.0.0.1', type: 'gateway', version: 4, meta: {} },
  ips: [
    { address: '10.0.0.5', type: 'fixed', version: 4, meta: {}, floating_ips: [{ address: '192.0.2.7', type: 'floating', version: 4 }] },
  ],
  routes: [],
  meta: {},
}
const vif = {
  id: 'p1',
  address: 'fa:16:3e:00:00:01',
  type: 'ovs',
  devname: 'tap1',
  network: { id: 'n1', label: 'net', subnets: [subnet], meta: { mtu: 1450 } },
}
const device = (kind: string, data: object, bus?: [string, object]) =>
  wire(kind, kind === 'NetworkInterfaceMetadata' ? '1.2' : '1.0', { ...data, ...(bus && { bus: wire(bus[0], '1.0', bus[1]) }) })
const devices = [
  device('NetworkInterfaceMetadata', { mac: 'fa:16:3e:00:00:01', vlan: 7, vf_trusted: true, tags: ['front'] }, [
    'PCIDeviceBus',
    { address: '0000:00:03.0' },
  ]),
  device('NetworkInterfaceMetadata', { mac: 'fa:16:3e:00:00:02' }, ['PCIDeviceBus', { address: '0000:00:04.0' }]),
  device('DiskMetadata', { serial: 's1', path: '/dev/vdb', tags: ['data'] }, ['SCSIDeviceBus', { address: '0:0:0:1' }]),
  device('DiskMetadata', { tags: ['lost'] }, ['DeviceBus', {}]),
  device('DiskMetadata', { tags: ['nowhere'] }),
  device('ShareMetadata', { share_id: 'sh1', tag: 'docs' }),
]

let now = Date.UTC(2026, 0, 2)
let service: TestMetadata
beforeAll(async () => {
  service = await testMetadata({
    now: () => now,
    randomBytes: (count) => Buffer.alloc(count, 1),
    neutron: (collection) =>
      collection === 'ports'
        ? [{ device_id: full, security_groups: ['g1', 'g2', 'hidden'] }]
        : [
            { id: 'g1', name: 'web' },
            { id: 'g2', name: '' },
          ],
  })
  const image = '99999999-2222-3333-4444-555555555555'
  const pair = wire('KeyPair', '1.4', { id: 1, name: 'mine', user_id: 'u', fingerprint: 'f', public_key: key, type: 'ssh' })
  await service.add(full, {
    server: {
      hostname: 'full',
      displayName: 'Füll',
      launchIndex: 3,
      keyName: 'mine',
      keyData: key,
      userData: Buffer.from('#!/bin/sh\necho hé\n').toString('base64'),
      kernelId: '99999999-2222-3333-4444-666666666666',
      ramdiskId: '99999999-2222-3333-4444-777777777777',
      imageRef: image,
    },
    extra: {
      flavor: flavorNamed('m1.full'),
      keypairs: JSON.stringify(wire('KeyPairList', '1.3', { objects: [pair] })),
      deviceMetadata: JSON.stringify(wire('InstanceDeviceMetadata', '1.0', { devices })),
      numaTopology: JSON.stringify(
        wire('InstanceNUMATopology', '1.3', {
          cells: [wire('InstanceNUMACell', '1.6', { id: 0, pcpuset: [5, 4] }), wire('InstanceNUMACell', '1.6', { id: 1, pcpuset: [1] })],
        }),
      ),
    },
    networkInfo: [vif],
    metadata: { role: 'wéb' },
    blockDevices: [
      { deviceName: '/dev/vda', sourceType: 'image', destinationType: 'local' },
      { deviceName: '/dev/vdb', sourceType: 'blank', destinationType: 'local' },
      { deviceName: '/dev/vdc', sourceType: 'blank', destinationType: 'local', guestFormat: 'swap' },
      { deviceName: '/dev/vde', sourceType: 'volume', destinationType: 'volume' },
      { deviceName: null, sourceType: 'volume', destinationType: 'volume' },
    ],
  })
  await service.add(bare, { server: { hostname: 'bare', imageRef: '', rootDeviceName: null, availabilityZone: null } })
})
afterAll(() => service.close())

const ec2Listing = '1.0\n2007-01-19\n2007-03-01\n2007-08-29\n2007-10-10\n2007-12-15\n2008-02-01\n2008-09-01\n2009-04-04\nlatest'
const openstackListing =
  '2012-08-10\n2013-04-04\n2013-10-17\n2015-10-15\n2016-06-30\n2016-10-06\n2017-02-22\n2018-08-27\n2020-10-14\n2025-04-04\nlatest'
const first =
  'ami-id\nami-launch-index\nami-manifest-path\nhostname\ninstance-id\nlocal-ipv4\npublic-keys/\nreservation-id\nsecurity-groups'

/** Undefined stands for 404. */
type Row = [path: string, body: string | undefined, of?: string]
const plain: Row[] = [
  ['/', ec2Listing],
  ['/ec2', ec2Listing],
  ['/ec2/', ec2Listing],
  ['/openstack', openstackListing],
  ['/openstack/', openstackListing],
  ['//openstack', openstackListing],
  ['/openstack/latest/..', openstackListing],
  ['/openstack//..', openstackListing],
  ['/a/..', ec2Listing],
  ['/..', ec2Listing],
  ['/%6fpenstack', openstackListing],
  ['/openstack?a=b', openstackListing],
  ['/OPENSTACK', undefined],
  ['/%ff', undefined],
  ['/100%', undefined],
  ['/latest', 'meta-data/\nuser-data'],
  ['/latest/', 'meta-data/', bare],
  ['/ec2/latest/user-data', '#!/bin/sh\necho hé\n'],
  ['/latest/user-data/', '#!/bin/sh\necho hé\n'],
  ['/latest/user-data', undefined, bare],
  ['/latest/user-data/x', undefined],
  ['/2010-01-01/meta-data', undefined],
  ['/ec2/ec2/latest', undefined],
  ['/1.0/meta-data', first],
  ['/1.0/meta-data/local-hostname', undefined],
  ['/2007-01-19/meta-data/local-hostname', 'full.novalocal'],
  ['/2007-01-19/meta-data/public-hostname', 'full.novalocal'],
  ['/2007-01-19/meta-data/public-ipv4', '192.0.2.7'],
  ['/2007-01-19/meta-data/public-ipv4', '', bare],
  ['/2007-03-01/meta-data/instance-type', undefined],
  ['/2007-08-29/meta-data/instance-type', 'm1.full'],
  ['/2007-10-10/meta-data/block-device-mapping', undefined],
  ['/2007-12-15/meta-data/block-device-mapping', 'ami\nebs0\nebs1\nephemeral0\nroot\nswap'],
  ['/latest/meta-data/block-device-mapping/ami', 'vda'],
  ['/latest/meta-data/block-device-mapping/root', '/dev/vda'],
  ['/latest/meta-data/block-device-mapping/ephemeral0', '/dev/vdb'],
  ['/latest/meta-data/block-device-mapping/swap', '/dev/vdc'],
  ['/latest/meta-data/block-device-mapping/ebs0', 'None'],
  ['/latest/meta-data/block-device-mapping/ebs1', '/dev/vde'],
  ['/latest/meta-data/block-device-mapping/root', '/dev/sda1', bare],
  ['/latest/meta-data/block-device-mapping', 'ami\nephemeral0\nroot\nswap', bare],
  ['/2007-10-10/meta-data/kernel-id', undefined],
  ['/2007-12-15/meta-data/kernel-id', 'aki-00000002'],
  ['/latest/meta-data/ramdisk-id', 'ari-00000003'],
  ['/latest/meta-data/kernel-id', undefined, bare],
  ['/2007-12-15/meta-data/placement', undefined],
  ['/2008-02-01/meta-data/placement/', 'availability-zone'],
  ['/latest/meta-data/placement/availability-zone/', 'nova'],
  ['/latest/meta-data/placement/availability-zone', 'None', bare],
  ['/2008-02-01/meta-data/instance-action', undefined],
  ['/2008-09-01/meta-data/instance-action', 'none'],
  ['/latest/meta-data/ami-id', 'ami-00000001'],
  ['/latest/meta-data/ami-id', 'None', bare],
  ['/latest/meta-data/ami-id/x', undefined],
  ['/latest/meta-data/ami-launch-index', '3'],
  ['/latest/meta-data/ami-manifest-path', 'FIXME'],
  ['/latest/meta-data/instance-id', 'i-00000001'],
  ['/latest/meta-data/instance-id', 'i-00000002', bare],
  ['/latest/meta-data/local-ipv4', '10.0.0.5'],
  ['/latest/meta-data/local-ipv4', '10.0.0.9', bare],
  ['/latest/meta-data/reservation-id', 'r-12345678'],
  ['/latest/meta-data/security-groups', 'web\ng2'],
  ['/latest/meta-data/security-groups', '', bare],
  ['/latest/meta-data/security-groups/web', undefined],
  ['/latest/meta-data/public-keys', '0=mine'],
  ['/latest/meta-data/public-keys/0', 'openssh-key'],
  ['/latest/meta-data/public-keys/0/openssh-key', key],
  ['/latest/meta-data/public-keys/0/_name', '0=mine'],
  ['/latest/meta-data/public-keys/1', undefined],
  ['/latest/meta-data/public-keys', undefined, bare],
  ['/latest/meta-data/constructor', undefined],
  ['/latest/meta-data/ÿ', undefined],
  ['/openstack/2012-08-10', 'meta_data.json\nuser_data'],
  ['/openstack/2012-08-10', 'meta_data.json', bare],
  ['/openstack/2013-04-04', 'meta_data.json\nuser_data\npassword'],
  ['/openstack/2013-10-17', 'meta_data.json\nuser_data\npassword\nvendor_data.json'],
  ['/openstack/2015-10-15', 'meta_data.json\nuser_data\npassword\nvendor_data.json\nnetwork_data.json'],
  ['/openstack/2016-06-30', 'meta_data.json\nuser_data\npassword\nvendor_data.json\nnetwork_data.json'],
  ['/openstack/2016-10-06/', 'meta_data.json\nuser_data\npassword\nvendor_data.json\nnetwork_data.json\nvendor_data2.json'],
  ['/openstack/latest/version', 'meta_data.json\nuser_data\npassword\nvendor_data.json\nnetwork_data.json\nvendor_data2.json'],
  ['/openstack/2011-01-01', undefined],
  ['/openstack/LATEST', undefined],
  ['/openstack/latest/user_data', '#!/bin/sh\necho hé\n'],
  ['/openstack/latest/user%5Fdata', '#!/bin/sh\necho hé\n'],
  ['/openstack/latest/user_data%00', undefined],
  ['/openstack/latest/user_data', undefined, bare],
  ['/openstack/latest/../latest/./user_data', '#!/bin/sh\necho hé\n'],
  ['/openstack/latest/nothing', undefined],
  ['/openstack/latest/constructor', undefined],
  ['/openstack/latest/meta_data.json/x', undefined],
  ['/openstack/content', undefined],
  ['/openstack/content/0000', undefined],
  ['/openstack/content/0000/x', undefined],
  ['/openstack/latest/content', undefined],
  ['/openstack/latest/network_data.json', '{}', bare],
  ['/openstack/2012-08-10/password', undefined],
  ['/openstack/2013-04-04/vendor_data.json', undefined],
  ['/openstack/2016-06-30/vendor_data2.json', undefined],
  ['/favicon.ico', undefined],
]
for (const [path, body, of = full] of plain)
  test(`${path} of the ${of === full ? 'full' : 'bare'} one`, async () => {
    const nothing = { status: 404, type: 'text/plain; charset=UTF-8', body: '404 Not Found\n\nThe resource could not be found.\n\n   ' }
    const expected = body === undefined ? nothing : { status: 200, type: 'text/plain; charset=UTF-8', body }
    expect(await service.get(path, { of })).toEqual(expected)
  })

test('network_data.json is text, as Python writes JSON', async () => {
  expect((await service.get('/openstack/2012-08-10/network_data.json', { of: full })).body).toBe(
    '{"links": [{"id": "tap1", "vif_id": "p1", "type": "ovs", "mtu": 1450, "ethernet_mac_address": "fa:16:3e:00:00:01"}], ' +
      '"networks": [{"id": "network0", "type": "ipv4", "link": "tap1", "ip_address": "10.0.0.5", "netmask": "255.255.255.0", ' +
      '"routes": [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "10.0.0.1"}], "network_id": "n1", "services": []}], "services": []}',
  )
})

const shownDevices = {
  lan: { type: 'nic', mac: 'fa:16:3e:00:00:01', bus: 'pci', address: '0000:00:03.0', tags: ['front'] },
  other: { type: 'nic', mac: 'fa:16:3e:00:00:02', bus: 'pci', address: '0000:00:04.0' },
  disk: { type: 'disk', serial: 's1', path: '/dev/vdb', bus: 'scsi', address: '0:0:0:1', tags: ['data'] },
  nowhere: { type: 'disk', bus: 'none', address: 'none', tags: ['nowhere'] },
  share: { type: 'share', share_id: 'sh1', tag: 'docs', bus: 'none', address: 'none' },
}
const { lan, other, disk, nowhere, share } = shownDevices
const trusted = [{ ...lan, vlan: 7, vf_trusted: true }, { ...other, vf_trusted: false }, disk, nowhere]
const always = {
  uuid: full,
  meta: { role: 'wéb' },
  public_keys: { mine: key },
  keys: [{ name: 'mine', type: 'ssh', data: key }],
  hostname: 'full.novalocal',
  name: 'Füll',
  launch_index: 3,
  availability_zone: 'nova',
}
const random_seed = Buffer.alloc(512, 1).toString('base64')
const project_id = 'a'.repeat(32)
const documents: [version: string, document: object][] = [
  ['2012-08-10', always],
  ['2013-04-04', { ...always, random_seed }],
  ['2013-10-17', { ...always, random_seed }],
  ['2015-10-15', { ...always, random_seed, project_id }],
  ['2016-06-30', { ...always, random_seed, project_id, devices: [lan, disk, nowhere] }],
  ['2016-10-06', { ...always, random_seed, project_id, devices: [lan, disk, nowhere] }],
  ['2017-02-22', { ...always, random_seed, project_id, devices: [{ ...lan, vlan: 7 }, disk, nowhere] }],
  ['2018-08-27', { ...always, random_seed, project_id, devices: trusted }],
  ['2020-10-14', { ...always, random_seed, project_id, devices: trusted, dedicated_cpus: [1, 4, 5] }],
  ['2025-04-04', { ...always, random_seed, project_id, devices: [...trusted, share], dedicated_cpus: [1, 4, 5] }],
  ['latest', { ...always, random_seed, project_id, devices: [...trusted, share], dedicated_cpus: [1, 4, 5] }],
]
for (const [version, document] of documents)
  test(`meta_data.json of ${version}`, async () => {
    const { status, type, body } = await service.get(`/openstack/${version}/meta_data.json`, { of: full })
    expect([status, type]).toEqual([200, 'application/json'])
    expect(JSON.parse(body)).toEqual(document)
  })

test('meta_data.json is ASCII and in the order that Nova gives it', async () => {
  const { body } = await service.get('/openstack/2012-08-10/meta_data.json', { of: full })
  expect(body.startsWith(`{"uuid": "${full}", "meta": {"role": "w\\u00e9b"}, "public_keys": {"mine": `)).toBe(true)
  expect(Object.keys(JSON.parse(body))).toEqual(Object.keys(always))
})

test('meta_data.json of the bare one', async () => {
  const { body } = await service.get('/openstack/latest/meta_data.json', { of: bare })
  expect(JSON.parse(body)).toEqual({
    uuid: bare,
    hostname: 'bare.novalocal',
    name: 'A server',
    launch_index: 0,
    availability_zone: null,
    random_seed,
    project_id,
    devices: [],
    dedicated_cpus: [],
  })
})

test('the random seed is new each time', async () => {
  const random = await testMetadata({ over: service })
  try {
    const seeds = [1, 2].map(async () => JSON.parse((await random.get('/openstack/latest/meta_data.json', { of: bare })).body).random_seed)
    const [one, two] = await Promise.all(seeds)
    expect(Buffer.from(one, 'base64')).toHaveLength(512)
    expect(one).not.toBe(two)
  } finally {
    await random.close()
  }
})

const versionsOn: [day: string, last: string | undefined][] = [
  ['2025-04-03', '2020-10-14'],
  ['2025-04-04', '2025-04-04'],
]
for (const [day, last] of versionsOn)
  test(`on ${day} the last version listed is ${last}; one to come can be asked for`, async () => {
    const before = now
    now = Date.parse(day)
    try {
      expect((await service.get('/openstack', { of: full })).body.split('\n').slice(-2)).toEqual([last, 'latest'])
      expect((await service.get('/openstack/2025-04-04', { of: full })).status).toBe(200)
    } finally {
      now = before
    }
  })

test('user data that is no text comes as it is', async () => {
  const other = '00000000-0000-4000-8000-00000000000c'
  await service.add(other, { server: { userData: Buffer.from([0, 255, 10]).toString('base64') } })
  for (const path of ['/latest/user-data', '/openstack/latest/user_data'])
    expect([...((await service.ask(path, { of: other })).body as Uint8Array)]).toEqual([0, 255, 10])
})

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'])
  test(`${method} is answered as GET is`, async () => {
    expect((await service.get('/latest/meta-data/hostname', { of: full, method })).body).toBe('full.novalocal')
    expect((await service.get('/', { method })).body).toBe(ec2Listing)
  })

const domains: [domain: string, hostname: string][] = [
  ['', 'full'],
  ['example.org', 'full.example.org'],
]
for (const [dhcpDomain, hostname] of domains)
  test(`with the domain '${dhcpDomain}' the host name is ${hostname}`, async () => {
    const other = await testMetadata({ over: service, api: { dhcpDomain } })
    try {
      expect((await other.get('/latest/meta-data/hostname', { of: full })).body).toBe(hostname)
      expect(JSON.parse((await other.get('/openstack/latest/meta_data.json', { of: full })).body).hostname).toBe(hostname)
    } finally {
      await other.close()
    }
  })
