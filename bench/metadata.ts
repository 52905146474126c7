/**
 * The metadata service: what a document costs when what is known of its server is kept and when it is not, beside the floor (the same rows read raw,
 * JSON.stringify, bytes); and the start of a thousand guests at once. No sockets: hosts cost the same for all.
 *
 *     node bench/metadata.ts
 */
import { randomUUID } from 'node:crypto'
import { cpus } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { type Belongings, type TestMetadata, testMetadata, wire } from '../tests/support/metadata-service.ts'

const guests = 1000
const rounds = 4000

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILwBxSCFgXfyVTqFXljn03HRf3sOVICQb user@example'
const pair = wire('KeyPair', '1.4', { id: 1, name: 'key', user_id: 'u', fingerprint: 'f', public_key: key, type: 'ssh' })
const ip = (address: string) => ({ address, type: 'fixed', version: 4, meta: {} })

const belongings = (i: number): Belongings => ({
  server: {
    hostname: `guest-${i}`,
    displayName: `guest-${i}`,
    keyName: 'key',
    keyData: key,
    userData: Buffer.alloc(2000, 'x').toString('base64'),
  },
  extra: { keypairs: JSON.stringify(wire('KeyPairList', '1.3', { objects: [pair] })) },
  metadata: { role: 'web', tier: 'front' },
  systemMetadata: Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`image_property_${n}`, 'value'])),
  networkInfo: [
    {
      id: randomUUID(),
      address: 'fa:16:3e:00:00:01',
      type: 'ovs',
      devname: 'tap0',
      network: {
        id: randomUUID(),
        label: 'net',
        meta: { mtu: 1450 },
        subnets: [
          {
            cidr: '10.0.0.0/16',
            version: 4,
            dns: [ip('9.9.9.9')],
            gateway: ip('10.0.0.1'),
            ips: [{ ...ip(`10.0.${i >> 8}.${i & 255}`), floating_ips: [] }],
            routes: [],
            meta: { enable_dhcp: true },
          },
        ],
      },
    },
  ],
})

const neutronMs = 20
const start = (metadataCacheExpiration: number, over?: TestMetadata) =>
  testMetadata({
    api: { metadataCacheExpiration },
    ...(over && { over }),
    neutron: (collection) => (collection === 'ports' ? [{ device_id: '', security_groups: ['g'] }] : [{ id: 'g', name: 'default' }]),
  })

/** CPU in microseconds for each of many, one after the other. */
async function cpuOf(work: (i: number) => Promise<unknown>): Promise<number> {
  for (let i = 0; i < rounds / 4; i++) await work(i)
  const before = process.cpuUsage()
  for (let i = 0; i < rounds; i++) await work(i)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / rounds
}

const rows = [
  'SELECT * FROM instances LEFT JOIN instance_extra ON instance_extra.instance_uuid = instances.uuid LEFT JOIN instance_info_caches ON instance_info_caches.instance_uuid = instances.uuid WHERE instances.uuid = ?',
  'SELECT key, value FROM instance_metadata WHERE instance_uuid = ? AND deleted = 0',
  'SELECT key, value FROM instance_system_metadata WHERE instance_uuid = ? AND deleted = 0',
]

const table: [name: string, value: string][] = []
const uuids = Array.from({ length: guests }, () => randomUUID() as string)
const cold = await start(0)
for (const [i, uuid] of uuids.entries()) await cold.add(uuid, belongings(i))
const warm = await start(3600, cold)
const of = (i: number) => ({ of: uuids[i % 100]! })

const floor = await cpuOf(async (i) => {
  const uuid = uuids[i % 100]!
  const mapping = await cold.stores.api.database.rows('SELECT * FROM instance_mappings WHERE instance_uuid = ?', [uuid])
  const found = await Promise.all(rows.map((sql) => cold.cell.database.rows(sql, [uuid])))
  return Buffer.from(JSON.stringify([mapping, found]))
})
const document = '/openstack/latest/meta_data.json'
const bytes = async (service: TestMetadata, path: string, i: number) => Buffer.from((await service.ask(path, of(i))).body as string)
const micro = (value: number) => `${value.toFixed(0)} µs CPU (${(value / floor).toFixed(2)} × the floor)`
table.push(['floor: rows, JSON.stringify, bytes', `${floor.toFixed(0)} µs CPU`])
table.push(['meta_data.json, not kept', micro(await cpuOf((i) => bytes(cold, document, i)))])
table.push(['meta_data.json, kept', micro(await cpuOf((i) => bytes(warm, document, i)))])
table.push(['network_data.json, kept', micro(await cpuOf((i) => bytes(warm, '/openstack/latest/network_data.json', i)))])
table.push(['EC2 leaf, not kept', micro(await cpuOf((i) => bytes(cold, '/latest/meta-data/hostname', i)))])
table.push(['EC2 leaf, kept', micro(await cpuOf((i) => bytes(warm, '/latest/meta-data/hostname', i)))])
await warm.close()

/** What cloud-init asks for, one after the other. */
const leaves = [
  '/openstack',
  ...['meta_data.json', 'user_data', 'vendor_data.json', 'vendor_data2.json', 'network_data.json'].map(
    (name) => `/openstack/2018-08-27/${name}`,
  ),
  ...['', 'meta-data/', 'user-data'].map((name) => `/latest/${name}`),
  ...['ami-id', 'ami-launch-index', 'ami-manifest-path', 'block-device-mapping/', 'block-device-mapping/ami', 'block-device-mapping/root'],
  ...[
    'hostname',
    'instance-action',
    'instance-id',
    'instance-type',
    'local-hostname',
    'local-ipv4',
    'placement/',
    'placement/availability-zone',
  ],
  ...['public-hostname', 'public-ipv4', 'public-keys/', 'public-keys/0/', 'public-keys/0/openssh-key', 'reservation-id', 'security-groups'],
].map((leaf) => (leaf.startsWith('/') ? leaf : `/latest/meta-data/${leaf}`))

const storm = await testMetadata({
  over: cold,
  neutron: async () => {
    await wait(neutronMs)
    return []
  },
})
const times: number[] = []
let wrong = 0
const before = process.cpuUsage()
const began = performance.now()
await Promise.all(
  uuids.map(async (uuid) => {
    for (const leaf of leaves) {
      const asked = performance.now()
      if ((await storm.ask(leaf, { of: uuid })).status !== 200) wrong++
      times.push(performance.now() - asked)
      // As a guest does: the next question comes in another turn
      await wait(1)
    }
  }),
)
const seconds = (performance.now() - began) / 1000
const { user, system } = process.cpuUsage(before)
times.sort((a, b) => a - b)
const at = (part: number) => `${times[Math.floor(times.length * part)]!.toFixed(1)} ms`
table.push([
  `${guests} guests at once, ${leaves.length} leaves each, Neutron takes ${neutronMs} ms`,
  `${seconds.toFixed(2)} s, ${((user + system) / times.length).toFixed(0)} µs CPU a leaf, p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(0.9999)}, not 200: ${wrong}`,
])
await storm.close()
await cold.close()

process.stdout.write(`${cpus()[0]!.model}, Node ${process.version}\n`)
for (const [name, value] of table) process.stdout.write(`${name.padEnd(70)} ${value}\n`)
