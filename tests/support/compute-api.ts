/** A compute API in this process, over databases of its own and without sockets: `call(version, 'GET /flavors/1', body, { as })`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resources as allResources } from '../../src/api/compute/index.ts'
import { createPolicy } from '../../src/api/policy.ts'
import { serve } from '../../src/api/serve/serve.ts'
import { newest } from '../../src/api/spec/history.ts'
import type { Resource } from '../../src/api/spec/operation.ts'
import type { Response } from '../../src/app/contract.ts'
import { httpError } from '../../src/app/http-error.ts'
import { ask } from '../../src/app/testing.ts'
import type { Backends } from '../../src/compute/backends.ts'
import {
  apiOptions,
  type ComputeSettings,
  cinderOptions,
  computeOptions,
  filterSchedulerOptions,
  glanceOptions,
  pciOptions,
  quotaOptions,
} from '../../src/compute/settings.ts'
import type { RequestContext } from '../../src/oslo/context.ts'
import { openDatabase } from '../../src/oslo/database/database.ts'
import { defaultsOf } from '../../src/oslo/keystoneauth/fixture.ts'
import { silent } from '../../src/oslo/log.ts'
import type { Driver } from '../../src/oslo/messaging/driver.ts'
import { memoryDriver } from '../../src/oslo/messaging/local/in-process.ts'
import { rpcClient } from '../../src/oslo/messaging/rpc-client.ts'
import { policyOptions } from '../../src/oslo/policy/options.ts'
import type { Peers } from '../../src/peers/peers.ts'
import { cell0Uuid } from '../../src/stores/api/mappings.ts'
import { apiSchema } from '../../src/stores/api/schema.ts'
import { cellSchema } from '../../src/stores/cell/schema.ts'
import { openCells } from '../../src/stores/cells.ts'
import { apiStore } from '../../src/stores/stores.ts'
import { syncApi, syncCell } from '../../src/stores/sync.ts'
import { wrongWith } from './answers.ts'

export type Person = 'admin' | 'manager' | 'member' | 'reader' | 'other' | 'nobody'

const roles: Record<Person, string[]> = {
  admin: ['admin', 'manager', 'member', 'reader'],
  manager: ['manager', 'member', 'reader'],
  member: ['member', 'reader'],
  reader: ['reader'],
  other: ['member', 'reader'],
  nobody: [],
}

/** Who asks: `other` is of another project than the rest. */
export const projectOf = (person: Person): string => (person === 'other' ? 'b'.repeat(32) : 'a'.repeat(32))

export interface Called {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of all kinds
  readonly body: any
  readonly headers: Readonly<Record<string, string>>
}

export interface CallOptions {
  readonly as?: Person
  readonly headers?: Readonly<Record<string, string>>
}

export interface TestApi {
  /** The answer as the application gives it, unchecked. */
  ask(version: string, route: string, body?: unknown, options?: CallOptions): Promise<Response>
  /** The answer as a client sees it; throws when a successful one does not have the form that Nova declares. */
  call(version: string, route: string, body?: unknown, options?: CallOptions): Promise<Called>
  readonly backends: Backends
  /** Where the API's messages go: a test may listen. */
  readonly driver: Driver
  readonly errors: unknown[]
  /** Statements on all databases so far. */
  statements(): Promise<number>
  close(): Promise<void>
}

export interface TestApiOptions {
  readonly peers?: Partial<Peers>
  readonly resources?: readonly Resource[]
  readonly now?: () => number
  /** Instead of the defaults, group by group. */
  readonly settings?: Partial<ComputeSettings>
}

/** The id of the mapping of the one cell that there is beside cell0. */
export const cellId = 2

export async function testApi({
  peers = {},
  resources = allResources,
  now = () => Date.now(),
  settings = {},
}: TestApiOptions = {}): Promise<TestApi> {
  const folder = mkdtempSync(join(tmpdir(), 'nova-'))
  const url = (name: string) => `sqlite:///${join(folder, name)}`
  const apiDatabase = await openDatabase(url('api.sqlite'), { schema: apiSchema, create: true })
  await syncApi(apiDatabase)
  for (const name of ['cell0.sqlite', 'cell1.sqlite']) {
    const database = await openDatabase(url(name), { schema: cellSchema, create: true })
    await syncCell(database)
    await database.close()
  }
  const api = apiStore(apiDatabase, now)
  await api.cellMappings.create({ uuid: cell0Uuid, name: 'cell0', databaseConnection: url('cell0.sqlite'), transportUrl: 'none:///' })
  await api.cellMappings.create({
    uuid: '11111111-0000-0000-0000-000000000000',
    name: 'cell1',
    databaseConnection: url('cell1.sqlite'),
    transportUrl: 'memory:',
  })
  const cells = openCells({ mappings: api.cellMappings, now, deadlineSeconds: 5 })
  const driver = memoryDriver()
  const client = rpcClient(driver, { responseTimeoutMs: 2000 })
  const errors: unknown[] = []
  const absent = (name: string) =>
    new Proxy(
      {},
      {
        get: () => () => {
          throw new Error(`no ${name} in this test`)
        },
      },
    ) as never
  const backends: Backends = {
    stores: { api, cells },
    peers: {
      keystone: absent('keystone'),
      glance: absent('glance'),
      neutron: absent('neutron'),
      cinder: absent('cinder'),
      placement: absent('placement'),
      close: async () => undefined,
      ...peers,
    },
    rpc: { top: client, cell: async () => client, close: () => client.close() },
    settings: {
      compute: defaultsOf(computeOptions.options),
      api: defaultsOf(apiOptions.options),
      quota: defaultsOf(quotaOptions.options),
      cinder: defaultsOf(cinderOptions.options),
      glance: defaultsOf(glanceOptions.options),
      pci: defaultsOf(pciOptions.options),
      filterScheduler: defaultsOf(filterSchedulerOptions.options),
      ...settings,
    },
    clock: { now },
    ids: { uuid: () => crypto.randomUUID() },
    log: silent,
  }
  const policy = createPolicy({ settings: defaultsOf(policyOptions.options), directories: [], log: silent, clock: { now } })
  const app = serve({
    resources,
    backends,
    policy,
    settings: backends.settings.api,
    report: (error) => void errors.push(error),
    unrouted: (request) => httpError(request, 404, 'Not Found', 'The resource could not be found.'),
  })

  function contextOf(person: Person): RequestContext {
    const context = {
      userId: person.padEnd(32, '0'),
      userName: person,
      projectId: projectOf(person),
      projectName: person,
      domainId: null,
      domainName: null,
      userDomainId: 'default',
      projectDomainId: 'default',
      systemScope: null,
      roles: roles[person],
      isAdmin: false,
      isAdminProject: true,
      token: `token-of-${person}`,
      serviceToken: null,
      serviceUserId: null,
      serviceProjectId: null,
      serviceRoles: [],
      catalog: [],
      requestId: `req-${crypto.randomUUID()}`,
      globalRequestId: null,
      remoteAddress: '127.0.0.1',
      timestamp: new Date(now()).toISOString().slice(0, 23),
      readDeleted: 'no' as const,
    }
    return { ...context, isAdmin: policy.isAdmin(context) }
  }

  function asked(version: string, route: string, body?: unknown, { as = 'admin', headers = {} }: CallOptions = {}): Promise<Response> {
    const sent: Record<string, string> = { host: 'nova.example:8774', 'openstack-api-version': `compute ${version}`, ...headers }
    if (body !== undefined) sent['content-type'] ??= 'application/json'
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
    const request = ask(route, { headers: sent, body: text, scriptName: '/v2.1' })
    request.environ.context = contextOf(as)
    return app(request)
  }

  return {
    backends,
    driver,
    errors,
    ask: asked,
    async call(version, route, body, options) {
      const response = await asked(version, route, body, options)
      const text = response.body === null ? '' : String(response.body)
      const answer = {
        status: response.status,
        body: text === '' ? null : text.startsWith('{') ? JSON.parse(text) : text,
        headers: Object.fromEntries(response.headers.map(([name, value]) => [name.toLowerCase(), value])),
      }
      const [method, target] = route.split(' ') as [string, string]
      const minor = version === 'latest' ? newest : Number(version.slice(2))
      const wrong = wrongWith({ minor, method, path: target.split('?')[0]!, body, answer })
      if (wrong) throw new Error(`the answer is not what Nova declares: ${wrong}`)
      return answer
    },
    async statements() {
      const all = await cells.all()
      return apiDatabase.statements + all.reduce((sum, cell) => sum + cell.database.statements, 0)
    },
    async close() {
      await client.close()
      await cells.close()
      await apiDatabase.close()
      policy.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
