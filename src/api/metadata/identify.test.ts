import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  type MetadataCall,
  projectId,
  proxied,
  secret,
  type TestMetadata,
  type TestMetadataOptions,
  testMetadata,
} from '../../../tests/support/metadata-service.ts'

const uuid = '00000000-0000-4000-8000-00000000000a'
const other = '00000000-0000-4000-8000-00000000000b'
const unmapped = '00000000-0000-4000-8000-00000000000c'
const absent = '00000000-0000-4000-8000-00000000000d'
const provider = 'a-load-balancer'
const path = '/openstack/latest/user_data'

const texts: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden\n\nInvalid proxy request signature.',
  404: 'Not Found\n\nThe resource could not be found.',
  500: 'Internal Server Error\n\nAn unknown error has occurred. Please try your request again.',
}
const refused = (status: number, explanation?: string) => ({
  status,
  type: 'text/plain; charset=UTF-8',
  body: `${status} ${texts[status]}${explanation === undefined ? '' : `\n\n${explanation}`}\n\n   `,
})
const told = { status: 200, type: 'text/plain; charset=UTF-8', body: 'hello' }

async function started(options: TestMetadataOptions): Promise<TestMetadata> {
  const service = await testMetadata(options)
  const server = { userData: Buffer.from('hello').toString('base64') }
  await service.add(uuid, { server })
  await service.add(other, { server })
  await service.add(unmapped, { server, mapped: false })
  return service
}

const signature = (text: string, key = secret) => createHmac('sha256', key).update(text).digest('hex')
const who = proxied(uuid)
const without = (name: string) => Object.fromEntries(Object.entries(who).filter(([key]) => key !== name))
const missing = (name: string) => refused(400, `${name} header is missing from request.`)

let ports: object[] = []
let subnets: object[] = []
let neutronFails = false
const neutron = (collection: string) => {
  if (neutronFails) throw new Error('Neutron is down')
  return collection === 'subnets' ? subnets : ports
}
beforeEach(() => {
  ports = []
  subnets = []
  neutronFails = false
})

let service: TestMetadata
let lone: TestMetadata
beforeAll(async () => {
  service = await started({ neutron, api: { metadataCacheExpiration: 0 } })
  lone = await testMetadata({ over: service, neutron, api: { metadataCacheExpiration: 0 }, proxy: { serviceMetadataProxy: false } })
})
afterAll(async () => {
  await lone.close()
  await service.close()
})

type Headers = NonNullable<MetadataCall['headers']>
const rows: [name: string, headers: Headers, answer: ReturnType<typeof refused>][] = [
  ['all headers', who, told],
  ['no instance id', without('x-instance-id'), missing('X-Instance-ID')],
  ['no signature', without('x-instance-id-signature'), missing('X-Instance-ID-Signature')],
  ['no tenant', without('x-tenant-id'), missing('X-Tenant-ID')],
  ['no address', without('x-forwarded-for'), told],
  ['nothing', {}, missing('X-Instance-ID')],
  ['a signature of zeros', { ...who, 'x-instance-id-signature': '0'.repeat(64) }, refused(403)],
  ['an empty signature', { ...who, 'x-instance-id-signature': '' }, refused(403)],
  ['a signature that is longer', { ...who, 'x-instance-id-signature': `${who['x-instance-id-signature']}0` }, refused(403)],
  ['a signature in capitals', { ...who, 'x-instance-id-signature': who['x-instance-id-signature']!.toUpperCase() }, refused(403)],
  ['a signature beyond ASCII', { ...who, 'x-instance-id-signature': 'é'.repeat(64) }, refused(403)],
  ['a signature with another secret', proxied(uuid, { key: 'another' }), refused(403)],
  ['the signature of another server', { ...who, 'x-instance-id': other }, refused(403)],
  ['another tenant', proxied(uuid, { project: 'b'.repeat(32) }), refused(404)],
  ['an empty tenant', { ...who, 'x-tenant-id': '' }, refused(404)],
  ['an unknown server', proxied(absent), refused(404)],
  ['an id that is none', proxied('nonsense'), refused(404)],
  ['an id in capitals', proxied(uuid.toUpperCase()), told],
  ['a server that no cell is known to hold', proxied(unmapped), refused(404)],
  ['two ids', { ...who, 'x-instance-id': [uuid, uuid] }, refused(400, 'Multiple X-Instance-ID headers found within request.')],
  ['two tenants', { ...who, 'x-tenant-id': [projectId, 'b'] }, refused(400, 'Multiple X-Tenant-ID headers found within request.')],
  ['a provider, not signed', { ...who, 'x-metadata-provider': provider }, refused(403)],
  [
    'a provider without an address',
    { ...without('x-forwarded-for'), 'x-metadata-provider': provider },
    refused(400, 'X-Forwarded-For is missing from request.'),
  ],
]
for (const [name, headers, answer] of rows)
  test(`by Neutron's agent: ${name} → ${answer.status}`, async () => expect(await service.get(path, { headers })).toEqual(answer))

test('the root needs no headers, what only climbs out of it does', async () => {
  for (const [asked, status] of Object.entries({ '/': 200, '/.': 200, '/a/..': 200, '/..': 400, '/a/../..': 400, '/...': 400 }))
    expect([asked, (await service.get(asked)).status]).toEqual([asked, status])
})

test('errors take the form that the client likes', async () => {
  const at = (accept: string) => service.get(path, { headers: { accept } })
  expect(await at('text/html')).toMatchObject({
    type: 'text/html; charset=UTF-8',
    body: expect.stringContaining('<h1>400 Bad Request</h1>'),
  })
  expect(JSON.parse((await at('application/json')).body)).toMatchObject({ code: '400 Bad Request', title: 'Bad Request' })
})

const behind: Headers = {
  'x-metadata-provider': provider,
  'x-metadata-provider-signature': signature(provider),
  'x-forwarded-for': '10.0.0.5, 10.9.9.9',
}
const port = { device_id: uuid, tenant_id: projectId }
const balanced: [name: string, answer: ReturnType<typeof refused>, subnets: object[], ports: object[]][] = [
  ['one port', told, [{ network_id: 'n1' }], [port]],
  ['no subnets', refused(400, `Could not find any subnets for provider ${provider}`), [], [port]],
  ['no port', refused(400, `Expected a single port matching provider ${provider} and IP 10.0.0.5. Found 0.`), [{ network_id: 'n1' }], []],
  [
    'two ports',
    refused(400, `Expected a single port matching provider ${provider} and IP 10.0.0.5. Found 2.`),
    [{ network_id: 'n1' }],
    [port, port],
  ],
  ['a port of no server', refused(404), [{ network_id: 'n1' }], [{ device_id: absent, tenant_id: projectId }]],
  ['a server of another project', refused(404), [{ network_id: 'n1' }], [{ device_id: uuid, tenant_id: 'b' }]],
]
for (const [name, answer, theSubnets, thePorts] of balanced)
  test(`by a load balancer: ${name} → ${answer.status}`, async () => {
    subnets = theSubnets
    ports = thePorts
    expect(await service.get(path, { headers: behind })).toEqual(answer)
  })

test('a load balancer’s networks are asked for in batches of 160', async () => {
  subnets = Array.from({ length: 161 }, (_, i) => ({ network_id: `n${i}` }))
  service.asked.length = 0
  await service.get(path, { headers: behind })
  expect(service.asked.map(([collection, query]) => [collection, (query.network_id as string[] | undefined)?.length])).toEqual([
    ['subnets', undefined],
    ['ports', 160],
    ['ports', 1],
  ])
  expect(service.asked[0]![1]).toEqual({ advanced_service_providers: [provider], fields: ['network_id'] })
  expect(service.asked[1]![1]).toMatchObject({ fixed_ips: 'ip_address=10.0.0.5', fields: ['device_id', 'tenant_id'] })
})

test('without a secret a load balancer is believed', async () => {
  const trusting = await testMetadata({ over: service, neutron, proxy: { metadataProxySharedSecret: '' } })
  try {
    subnets = [{ network_id: 'n1' }]
    ports = [port]
    expect(await trusting.get(path, { headers: { ...behind, 'x-metadata-provider-signature': 'any' } })).toEqual(told)
    expect(trusting.logged).toContain(
      'WARNING metadata_proxy_shared_secret is not configured, the metadata information returned by the proxy cannot be trusted',
    )
  } finally {
    await trusting.close()
  }
})

test('Neutron that fails is an unknown error', async () => {
  neutronFails = true
  expect(await service.get(path, { headers: behind })).toEqual(refused(500))
  expect(await service.get('/latest/meta-data/security-groups', { of: uuid })).toEqual(refused(500))
  expect((await service.get(path, { of: uuid })).status).toBe(200)
  expect(await lone.get(path, { remoteAddress: '10.0.0.5' })).toEqual(refused(500))
})

const addressed: [name: string, answer: ReturnType<typeof refused>, ports: object[], call?: MetadataCall][] = [
  ['one port', told, [{ device_id: uuid }]],
  ['one port and one of nothing', told, [{ device_id: uuid }, { device_id: '' }]],
  ['no port', refused(404), []],
  ['two ports', refused(500), [{ device_id: uuid }, { device_id: other }]],
  ['a port of no server', refused(404), [{ device_id: 'dhcp-agent' }]],
  ['no address', refused(500), [{ device_id: uuid }], { remoteAddress: '' }],
]
for (const [name, answer, thePorts, call = {}] of addressed)
  test(`by its own address: ${name} → ${answer.status}`, async () => {
    ports = thePorts
    lone.asked.length = 0
    expect(await lone.get(path, { remoteAddress: '10.0.0.5', ...call })).toEqual(answer)
    if (!call.remoteAddress && name !== 'no address') expect(lone.asked[0]).toEqual(['ports', { fixed_ips: 'ip_address=10.0.0.5' }])
  })

test('by its own address: what headers say does not count', async () => {
  ports = [{ device_id: other, security_groups: [] }]
  expect((await lone.get('/latest/meta-data/instance-id', { remoteAddress: '10.0.0.5', headers: who })).body).toBe('i-00000002')
  expect(lone.logged.some((line) => line.includes("The 'service_metadata_proxy' option must be enabled"))).toBe(true)
})

test('a service of one cell knows all its servers and asks no mapping', async () => {
  const cell = await testMetadata({ over: service, onlyCell: true })
  try {
    expect(await cell.get(path, { of: unmapped })).toEqual(told)
    expect(await cell.get(path, { of: absent })).toEqual(refused(404))
  } finally {
    await cell.close()
  }
})

test('a deleted server is not there, one whose cell fails is an unknown error', async () => {
  const broken = await started({})
  try {
    await broken.cell.servers.destroy(other)
    expect(await broken.get(path, { of: other })).toEqual(refused(404))
    await broken.cell.database.close()
    expect(await broken.get(path, { of: uuid })).toEqual(refused(500))
  } finally {
    await broken.close()
  }
})

test('no log names a secret, a signature or what was sent at full length', async () => {
  service.logged.length = 0
  const long = 'x'.repeat(5000)
  await service.get(path, { headers: { ...who, 'x-instance-id-signature': signature(other) } })
  await service.get(path, { headers: { ...behind, 'x-metadata-provider-signature': signature(other) } })
  await service.get(path, { headers: { ...proxied(long), 'x-instance-id-signature': 'f' } })
  await service.get(path, { headers: proxied(long) })
  await service.get(path, { headers: proxied(uuid, { project: long }) })
  expect(service.logged).toHaveLength(6)
  const log = service.logged.join('\n')
  for (const hidden of [secret, signature(uuid), signature(other), signature(provider), signature(long)]) expect(log).not.toContain(hidden)
  expect(Math.max(...service.logged.map((line) => line.length))).toBeLessThan(300)
})
