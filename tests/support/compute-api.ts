/** A compute API in this process, over databases of its own and without sockets: `call(version, 'GET /flavors/1', body, { as })`. */
import { resources as allResources } from '../../src/api/compute/index.ts'
import { createPolicy, type Policy } from '../../src/api/policy.ts'
import { serve } from '../../src/api/serve/serve.ts'
import { newest } from '../../src/api/spec/history.ts'
import type { Resource } from '../../src/api/spec/operation.ts'
import type { Response } from '../../src/app/contract.ts'
import { httpError } from '../../src/app/http-error.ts'
import { ask } from '../../src/app/testing.ts'
import type { Backends } from '../../src/compute/backends.ts'
import { type Notifications, silentNotifications } from '../../src/compute/notifications/notifications.ts'
import {
  apiOptions,
  type ComputeSettings,
  cinderOptions,
  computeOptions,
  filterSchedulerOptions,
  glanceOptions,
  limitsWorkarounds,
  neutronOptions,
  pciOptions,
  quotaOptions,
} from '../../src/compute/settings.ts'
import type { RequestContext } from '../../src/oslo/context.ts'
import { defaultsOf } from '../../src/oslo/keystoneauth/fixture.ts'
import { silent } from '../../src/oslo/log.ts'
import type { Driver } from '../../src/oslo/messaging/driver.ts'
import { memoryDriver } from '../../src/oslo/messaging/local/in-process.ts'
import { rpcClient } from '../../src/oslo/messaging/rpc-client.ts'
import { policyOptions } from '../../src/oslo/policy/options.ts'
import type { Peers } from '../../src/peers/peers.ts'
import { wrongWith } from './answers.ts'
import { testStores } from './databases.ts'

export { cellId } from './databases.ts'

export type Person = 'admin' | 'manager' | 'member' | 'reader' | 'other' | 'nobody' | 'service' | 'system' | 'domain'

const roles: Record<Person, string[]> = {
  admin: ['admin', 'manager', 'member', 'reader'],
  manager: ['manager', 'member', 'reader'],
  member: ['member', 'reader'],
  reader: ['reader'],
  other: ['member', 'reader'],
  nobody: [],
  service: ['service'],
  system: ['admin', 'manager', 'member', 'reader'],
  domain: ['admin', 'manager', 'member', 'reader'],
}

/** Who asks: `other` is of another project than the rest; `system` and `domain` have a token that is for none. */
export const projectOf = (person: Person): string => (person === 'other' ? 'b'.repeat(32) : 'a'.repeat(32))

const isOfProject = (person: Person): boolean => person !== 'system' && person !== 'domain'

export interface Called {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of all kinds
  readonly body: any
  readonly headers: Readonly<Record<string, string>>
}

export interface CallOptions {
  readonly as?: Person
  /** Several values: sent as often. */
  readonly headers?: Readonly<Record<string, string | string[]>>
  /** Through the legacy endpoint: no version is said. */
  readonly legacy?: boolean
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
  /** Stands before the policy that is asked. */
  readonly guard?: (policy: Policy) => Pick<Policy, 'can'>
  /** Nobody is told anything unless said. */
  readonly notifications?: Notifications
  /** Instead of one that keeps messages in memory; closed with the rest. */
  readonly driver?: Driver
  /** How long a message may take to be sent. */
  readonly sendTimeoutMs?: number
}

export async function testApi({
  peers = {},
  resources = allResources,
  now = () => Date.now(),
  settings = {},
  notifications = silentNotifications,
  guard = (policy) => policy,
  driver = memoryDriver(),
  sendTimeoutMs = 10_000,
}: TestApiOptions = {}): Promise<TestApi> {
  const stores = await testStores(now)
  const client = rpcClient(driver, { responseTimeoutMs: 2000, sendTimeoutMs })
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
    stores,
    // the database of the only cell that runs servers
    main: async () => (await stores.cells.all()).find(({ transportUrl }) => transportUrl !== null)!,
    peers: {
      keystone: absent('keystone'),
      glance: absent('glance'),
      neutron: absent('neutron'),
      cinder: absent('cinder'),
      placement: absent('placement'),
      manila: absent('manila'),
      limits: absent('limits'),
      ironic: absent('ironic'),
      close: async () => undefined,
      ...peers,
    },
    notifications,
    rpc: { top: client, cell: async () => client, close: () => client.close() },
    settings: {
      compute: defaultsOf(computeOptions.options),
      api: defaultsOf(apiOptions.options),
      quota: defaultsOf(quotaOptions.options),
      workarounds: defaultsOf(limitsWorkarounds.options),
      cinder: defaultsOf(cinderOptions.options),
      glance: defaultsOf(glanceOptions.options),
      neutron: defaultsOf(neutronOptions.options),
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
    policy: guard(policy),
    settings: backends.settings.api,
    report: (error) => void errors.push(error),
    unrouted: (request) => httpError(request, 404, 'Not Found', 'The resource could not be found.'),
  })

  function contextOf(person: Person): RequestContext {
    const context = {
      userId: person.padEnd(32, '0'),
      userName: person,
      projectId: isOfProject(person) ? projectOf(person) : null,
      projectName: isOfProject(person) ? person : null,
      domainId: person === 'domain' ? 'default' : null,
      domainName: null,
      userDomainId: 'default',
      projectDomainId: 'default',
      systemScope: person === 'system' ? 'all' : null,
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

  function asked(version: string, route: string, body?: unknown, options: CallOptions = {}): Promise<Response> {
    const { as = 'admin', headers = {}, legacy = false } = options
    const sent: Record<string, string | string[]> = {
      host: 'nova.example:8774',
      ...(!legacy && { 'openstack-api-version': `compute ${version}` }),
      ...headers,
    }
    if (body !== undefined) sent['content-type'] ??= 'application/json'
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
    const request = ask(route, { headers: sent, body: text, scriptName: legacy ? '/v2' : '/v2.1' })
    request.environ.context = contextOf(as)
    if (legacy) request.environ.legacyV2 = true
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
    statements: stores.statements,
    async close() {
      await client.close()
      await stores.close()
      policy.close()
    },
  }
}
