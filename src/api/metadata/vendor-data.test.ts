import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestMetadata, type TestMetadataOptions, testMetadata } from '../../../tests/support/metadata-service.ts'
import type { MetadataSettings } from '../../compute/metadata/settings.ts'
import { PeerError } from '../../oslo/keystoneauth/errors.ts'

const uuid = '00000000-0000-4000-8000-00000000000a'
let folder: string
let databases: TestMetadata
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vendordata-'))
  writeFileSync(join(folder, 'good.json'), '{"site": "hé", "n": 1}')
  writeFileSync(join(folder, 'bad.json'), '{')
  databases = await testMetadata()
  await databases.add(uuid)
})
afterAll(async () => {
  await databases.close()
  rmSync(folder, { recursive: true })
})

const failing = { kind: 'status', service: 's', status: 503, url: 'http://user:pass@services/x' } as const
const said: Record<string, unknown> = { 'http://a/x': { from: 'a' }, 'http://b/y@z': ['b'], 'http://static/': 'theirs' }
const vendordata: TestMetadataOptions['vendordata'] = (url) => {
  if (url in said) return said[url]
  if (url === 'nonsense') throw new TypeError('Invalid URL')
  throw new PeerError(`POST ${url}: it answered 503`, failing)
}

interface Asked {
  readonly answers: readonly [status: number, body: unknown][]
  readonly logged: readonly string[]
}

async function askBoth(api: Partial<MetadataSettings['api']>): Promise<Asked> {
  const service = await testMetadata({ over: databases, api, vendordata })
  try {
    const answers = ['vendor_data.json', 'vendor_data2.json'].map(async (name): Promise<[number, unknown]> => {
      const { status, type, body } = await service.get(`/openstack/latest/${name}`, { of: uuid })
      return [status, type === 'application/json' ? JSON.parse(body) : null]
    })
    return { answers: await Promise.all(answers), logged: service.logged }
  } finally {
    await service.close()
  }
}

const file = (name: string) => ({ vendordataJsonfilePath: join(folder, name) })
const both = { vendordataProviders: ['StaticJSON', 'DynamicJSON'] }
const reversed = { vendordataProviders: ['DynamicJSON', 'StaticJSON'] }
const targets = (...list: string[]) => ({ vendordataDynamicTargets: list })
const good = { site: 'hé', n: 1 }

type Row = [name: string, api: () => Partial<MetadataSettings['api']>, one: [number, unknown], all: [number, unknown]]
const rows: Row[] = [
  ['nothing', () => ({}), [200, {}], [200, { static: {} }]],
  ['a file', () => file('good.json'), [200, good], [200, { static: good }]],
  ['no file', () => file('none.json'), [500, null], [500, null]],
  ['a file that is no JSON', () => file('bad.json'), [500, null], [500, null]],
  ['no providers', () => ({ vendordataProviders: [] }), [404, null], [200, {}]],
  ['only services', () => ({ vendordataProviders: ['DynamicJSON'], ...targets('a@http://a/x') }), [404, null], [200, { a: { from: 'a' } }]],
  [
    'services',
    () => ({ ...both, ...targets('a@http://a/x', 'b@http://b/y@z') }),
    [200, {}],
    [200, { static: {}, a: { from: 'a' }, b: ['b'] }],
  ],
  ['one without a name', () => ({ ...both, ...targets('http://a/x') }), [200, {}], [200, { static: {} }]],
  ['two of a name', () => ({ ...both, ...targets('a@http://a/x', 'a@http://b/y@z') }), [200, {}], [200, { static: {}, a: { from: 'a' } }]],
  ['one called static', () => ({ ...both, ...targets('static@http://static/') }), [200, {}], [200, { static: {} }]],
  ['one called static first', () => ({ ...reversed, ...targets('static@http://static/') }), [200, {}], [200, { static: {} }]],
  [
    'one that fails',
    () => ({ ...both, ...targets('a@http://a/x', 'f@http://user:pass@services/x') }),
    [200, {}],
    [200, { static: {}, a: { from: 'a' }, f: {} }],
  ],
  ['an address that is none', () => ({ ...both, ...targets('f@nonsense') }), [200, {}], [200, { static: {}, f: {} }]],
  [
    'one whose failure is fatal',
    () => ({ ...both, ...targets('f@http://f'), vendordataDynamicFailureFatal: true }),
    [200, {}],
    [500, null],
  ],
]
for (const [name, api, one, all] of rows)
  test(`vendor data from ${name}`, async () => {
    const { answers, logged } = await askBoth(api())
    expect(answers).toEqual([one, all])
    expect(logged.join('\n')).not.toContain('pass@')
  })

test('what goes wrong is logged', async () => {
  const { logged } = await askBoth({
    ...both,
    ...targets('x', 'a@http://a/x', 'a@http://b', 'static@http://static/', 'f@http://f'),
    ...file('none.json'),
  })
  expect(logged).toEqual(expect.arrayContaining([`WARNING vendordata_jsonfile_path[${join(folder, 'none.json')}]: file does not exist`]))
  const rest = await askBoth({ ...both, ...targets('x', 'a@http://a/x', 'a@http://b', 'static@http://static/', 'f@http://f') })
  expect(rest.logged).toEqual([
    'WARNING Vendordata target x lacks a name. Skipping',
    'WARNING Vendordata already contains an entry named a. Skipping',
    'WARNING Error from dynamic vendordata service f: it answered 503',
    'WARNING Removing duplicate metadata key: static',
  ])
})

test('a service is told about the server', async () => {
  const seen: unknown[] = []
  const about = '00000000-0000-4000-8000-00000000000b'
  const service = await testMetadata({
    over: databases,
    api: { ...both, ...targets('a@http://a/x') },
    vendordata: (url, facts) => seen.push([url, facts]) && {},
  })
  try {
    await service.add(about, {
      server: { imageRef: 'image', userData: 'aGk=', hostname: 'host' },
      metadata: { role: 'web' },
      systemMetadata: { boot_roles: 'member,reader' },
    })
    await service.get('/openstack/latest/vendor_data2.json', { of: about })
    expect(seen).toEqual([
      [
        'http://a/x',
        {
          'project-id': 'a'.repeat(32),
          'instance-id': about,
          'image-id': 'image',
          'user-data': 'aGk=',
          hostname: 'host',
          metadata: { role: 'web' },
          'boot-roles': 'member,reader',
        },
      ],
    ])
  } finally {
    await service.close()
  }
})

test('networks that are to be injected are told as a file', async () => {
  const subnet = {
    cidr: '10.0.0.0/24',
    version: 4,
    dns: [],
    gateway: null,
    ips: [{ address: '10.0.0.5', type: 'fixed', version: 4 }],
    routes: [],
    meta: {},
  }
  const networkInfo = [
    { id: 'p', address: 'fa:16:3e:00:00:01', network: { id: 'n', label: 'n', subnets: [subnet], meta: { injected: true } } },
  ]
  const injected = '00000000-0000-4000-8000-00000000000c'
  await databases.add(injected, { networkInfo })
  for (const [template, status] of [
    ['/usr/lib/python3/dist-packages/nova/virt/interfaces.template', 200],
    ['/etc/nova/other.template', 404],
  ] as const) {
    const service = await testMetadata({ over: databases, network: { injectedNetworkTemplate: template } })
    try {
      const { network_config } = JSON.parse((await service.get('/openstack/latest/meta_data.json', { of: injected })).body)
      expect(network_config).toEqual(status === 200 ? { name: 'network_config', content_path: '/content/0000' } : undefined)
      const file = await service.get('/openstack/content/0000', { of: injected })
      expect([file.status, file.body.includes('address 10.0.0.5')]).toEqual([status, status === 200])
      for (const path of ['/openstack/content', '/openstack/content/0001', '/openstack/content/0000/x'])
        expect((await service.get(path, { of: injected })).status).toBe(404)
    } finally {
      await service.close()
    }
  }
})
