/** A metadata service in this process, over databases of its own and without sockets: `get('/latest/meta-data/', { of: uuid })`. */
import { createHmac } from 'node:crypto'
import { metadataHandler } from '../../src/api/metadata/handler.ts'
import type { RandomBytes } from '../../src/api/metadata/openstack.ts'
import type { Application, Response } from '../../src/app/contract.ts'
import { ask } from '../../src/app/testing.ts'
import type { MetadataBackends } from '../../src/compute/metadata/backends.ts'
import {
  injectedNetworkOptions,
  type MetadataSettings,
  metadataOptions,
  metadataProxyOptions,
} from '../../src/compute/metadata/settings.ts'
import { openDatabase } from '../../src/oslo/database/database.ts'
import { defaultsOf } from '../../src/oslo/keystoneauth/fixture.ts'
import type { Log } from '../../src/oslo/log.ts'
import type { CachePlace } from '../../src/oslo/memcached/cache.ts'
import type { NeutronClient, NeutronQuery } from '../../src/peers/neutron.ts'
import { insert as insertApi } from '../../src/stores/api/table.ts'
import { cellSchema } from '../../src/stores/cell/schema.ts'
import { type CellValues, insert } from '../../src/stores/cell/table.ts'
import { type CellStore, cellStore } from '../../src/stores/cells.ts'
import { cellId, type TestStores, testStores } from './databases.ts'

export const projectId = 'a'.repeat(32)
export const secret = 'the secret of the proxy'

/** The headers that Neutron's agent sends for a server. */
export const proxied = (uuid: string, { project = projectId, key = secret } = {}): Record<string, string> => ({
  'x-instance-id': uuid,
  'x-tenant-id': project,
  'x-instance-id-signature': createHmac('sha256', key).update(uuid).digest('hex'),
  'x-forwarded-for': '10.0.0.9',
})

export interface Got {
  readonly status: number
  readonly type: string
  readonly body: string
}

export interface MetadataCall {
  readonly method?: string
  /** The server that asks through Neutron's agent. */
  readonly of?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string
  readonly remoteAddress?: string
}

/** What there is of a server in its cell. */
export interface Belongings {
  readonly server?: CellValues<'instances'>
  readonly extra?: CellValues<'instance_extra'>
  /** Nova's network model. */
  readonly networkInfo?: readonly object[]
  readonly metadata?: Readonly<Record<string, string>>
  readonly systemMetadata?: Readonly<Record<string, string>>
  readonly blockDevices?: readonly CellValues<'block_device_mapping'>[]
  /** False leaves out the mapping to its cell. */
  readonly mapped?: boolean
}

export interface TestMetadata {
  get(path: string, call?: MetadataCall): Promise<Got>
  /** As `get`, with what came back. */
  ask(path: string, call?: MetadataCall): Promise<Response>
  readonly app: Application
  readonly stores: TestStores
  readonly cell: CellStore
  /** Puts a server into the cell. */
  add(uuid: string, belongings?: Belongings): Promise<void>
  /** Lines of the log, `LEVEL text`. */
  readonly logged: string[]
  /** Questions to Neutron: the collection and the filters. */
  readonly asked: [collection: string, query: NeutronQuery][]
  close(): Promise<void>
}

export interface TestMetadataOptions {
  readonly api?: Partial<MetadataSettings['api']>
  readonly proxy?: Partial<MetadataSettings['proxy']>
  readonly network?: Partial<MetadataSettings['network']>
  /** What Neutron answers to a question for a collection. */
  readonly neutron?: (collection: string, query: NeutronQuery) => readonly object[] | Promise<readonly object[]>
  readonly vendordata?: (url: string, facts: object) => unknown
  readonly cache?: CachePlace
  readonly now?: () => number
  readonly randomBytes?: RandomBytes
  /** The service serves this cell alone. */
  readonly onlyCell?: boolean
  /** Another service whose databases it shares. */
  readonly over?: TestMetadata
}

export async function testMetadata({
  api = {},
  proxy = {},
  network = {},
  neutron = () => [],
  vendordata = () => ({}),
  cache = 'process',
  now = () => Date.now(),
  randomBytes,
  onlyCell = false,
  over,
}: TestMetadataOptions = {}): Promise<TestMetadata> {
  const stores = over?.stores ?? (await testStores(now))
  const cell = (await stores.cells.byId(cellId))!
  const main = cellStore(await openDatabase(stores.url(onlyCell ? 'cell1.sqlite' : 'cell0.sqlite'), { schema: cellSchema }), now, 0)
  const asked: TestMetadata['asked'] = []
  const logged: string[] = []
  const write =
    (level: string): Log['info'] =>
    (text, { error } = {}) =>
      void logged.push(`${level} ${text}${error ? ` ${(error as Error).message}` : ''}`)
  const list = async (collection: string, query: NeutronQuery = {}) => {
    asked.push([collection, query])
    return neutron(collection, query)
  }
  const backends: MetadataBackends = {
    global: onlyCell ? null : { mappings: stores.api.serverMappings, cells: stores.cells },
    main: async () => main,
    neutron: { list } as unknown as NeutronClient,
    vendordata: { ask: async (url, facts) => vendordata(url, facts), close: async () => undefined },
    settings: {
      api: defaultsOf(metadataOptions.options, api),
      proxy: defaultsOf(metadataProxyOptions.options, { serviceMetadataProxy: true, metadataProxySharedSecret: secret, ...proxy }),
      network: defaultsOf(injectedNetworkOptions.options, network),
    },
    cache,
    clock: { now },
    log: { debug: write('DEBUG'), info: write('INFO'), warning: write('WARNING'), error: write('ERROR') },
  }
  const app = metadataHandler({ backends, ...(randomBytes && { randomBytes }) })

  const send: TestMetadata['ask'] = (path, { method = 'GET', of, headers = {}, body = '', ...rest } = {}) =>
    app(ask(`${method} ${path}`, { headers: { ...(of !== undefined && proxied(of)), ...headers }, body, ...rest }))

  return {
    app,
    stores,
    cell,
    logged,
    asked,
    ask: send,
    async get(path, call) {
      const { status, headers, body } = await send(path, call)
      const type = headers.find(([name]) => name === 'Content-Type')?.[1] ?? ''
      return { status, type, body: typeof body === 'string' ? body : Buffer.from(body as Uint8Array).toString() }
    },
    async add(uuid, { server, extra, networkInfo, metadata, systemMetadata, blockDevices = [], mapped = true } = {}) {
      await cell.database.write(async (tx) => {
        await insert(tx, 'instances', {
          uuid,
          projectId,
          hostname: 'host',
          displayName: 'A server',
          launchIndex: 0,
          reservationId: 'r-12345678',
          availabilityZone: 'nova',
          imageRef: '11111111-2222-3333-4444-555555555555',
          kernelId: '',
          ramdiskId: '',
          rootDeviceName: '/dev/vda',
          ...server,
        })
        await insert(tx, 'instance_extra', { instanceUuid: uuid, flavor: flavorNamed('m1.tiny'), ...extra })
        await insert(tx, 'instance_info_caches', { instanceUuid: uuid, networkInfo: JSON.stringify(networkInfo ?? []) })
        await insert(tx, 'instance_id_mappings', { uuid })
        for (const each of blockDevices) await insert(tx, 'block_device_mapping', { instanceUuid: uuid, ...each })
      })
      if (metadata) await cell.metadata.set(uuid, metadata)
      if (systemMetadata) await cell.systemMetadata.set(uuid, systemMetadata)
      if (mapped) await stores.api.database.write((tx) => insertApi(tx, 'instance_mappings', { instanceUuid: uuid, cellId, projectId }))
    },
    async close() {
      await main.database.close()
      if (!over) await stores.close()
    },
  }
}

/** As instance_extra holds it. */
export const flavorNamed = (name: string): string =>
  JSON.stringify({ cur: wire('Flavor', '1.2', { id: 1, name, flavorid: '1' }), old: null, new: null })

/** A versioned object as JSON columns hold it. */
export const wire = (name: string, version: string, data: object): object => ({
  'nova_object.name': name,
  'nova_object.namespace': 'nova',
  'nova_object.version': version,
  'nova_object.data': data,
})
