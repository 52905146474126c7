/** A network service in memory with callers to speak to it, for the tests beside the code. */
import { type Answer, ask } from '../ask.ts'
import { person } from '../fixture.ts'
import { openShelf, type Shelf } from '../shelf.ts'
import { type NetworkEvent, type NetworkParts, network } from './index.ts'

/** Their names are their tokens. ann, rita and max are of project one, bob is of project two. */
const people = {
  admin: person('admin', 'adm', ['admin', 'manager', 'member', 'reader']),
  ann: person('ann', 'one', ['member', 'reader']),
  rita: person('rita', 'one', ['reader']),
  max: person('max', 'one', ['manager', 'member', 'reader']),
  bob: person('bob', 'two', ['member', 'reader']),
  nova: person('nova', 'svc', ['service']),
  nobody: person('nobody', 'one', []),
}
export type Person = keyof typeof people

// biome-ignore lint/suspicious/noExplicitAny: answers are compared, not typed
export type Json = any

export interface TestCloud {
  call(who: Person | undefined, route: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** The one resource of an answer that must have succeeded. */
  make(who: Person, route: string, body: unknown): Promise<Json>
  /** Status and `type` of a refusal, or the status alone. */
  outcome(who: Person, route: string, body?: unknown): Promise<string>
  readonly seed: ReturnType<typeof network>['seed']
  readonly events: NetworkEvent[]
  readonly errors: unknown[]
  /** Moves the clock on. */
  later(seconds: number): void
}

/** Ids count up, the clock stands still. */
export function testCloud(parts: Partial<NetworkParts> & { readonly shelf?: Shelf } = {}): TestCloud {
  let last = 0
  let now = Date.parse('2026-01-02T03:04:05Z')
  const events: NetworkEvent[] = []
  const errors: unknown[] = []
  const { application, seed } = network({
    shelf: openShelf(':memory:'),
    authenticate: (token) => people[token as Person] ?? null,
    clock: { now: () => now },
    ids: { uuid: () => `${(++last).toString(16).padStart(8, '0')}-0000-4000-8000-${last.toString(16).padStart(12, '0')}` },
    report: (error) => void errors.push(error),
    notify: (event) => void events.push(event),
    ...parts,
  })

  const call: TestCloud['call'] = (who, route, body, headers) => ask(application, route, { token: who, body, headers, host: 'cloud:9696' })

  return {
    call,
    async make(who, route, body) {
      const { status, body: made } = await call(who, route, body)
      if (status > 299) throw new Error(`${route} → ${status} ${JSON.stringify(made)}`)
      return Object.values(made)[0]
    },
    async outcome(who, route, body) {
      const { status, body: told } = await call(who, route, body)
      return told?.NeutronError ? `${status} ${told.NeutronError.type}` : String(status)
    },
    seed,
    events,
    errors,
    later: (seconds) => void (now += seconds * 1000),
  }
}

export interface Place {
  readonly networkId: string
  readonly subnetId: string
  /** A port on the network; `values` on top. */
  port(values?: Record<string, unknown>, who?: Person): Promise<Json>
}

/** A network of ann's with 10.1.0.0/24, or what `subnet` says. */
export async function place(cloud: TestCloud, subnet: Record<string, unknown> = {}, network: Record<string, unknown> = {}): Promise<Place> {
  const { id: networkId } = await cloud.make('ann', 'POST /v2.0/networks', { network: { name: 'net', ...network } })
  const wanted = { network_id: networkId, ip_version: 4, cidr: '10.1.0.0/24', name: 'sub', ...subnet }
  const { id: subnetId } = await cloud.make('ann', 'POST /v2.0/subnets', { subnet: wanted })
  return {
    networkId,
    subnetId,
    port: (values = {}, who = 'ann') => cloud.make(who, 'POST /v2.0/ports', { port: { network_id: networkId, ...values } }),
  }
}

/** An external network of the administrators with 198.51.100.0/24. */
export async function outside(cloud: TestCloud): Promise<{ networkId: string; subnetId: string }> {
  const network = { name: 'ext', 'router:external': true, 'provider:network_type': 'flat', 'provider:physical_network': 'ext' }
  const { id: networkId } = await cloud.make('admin', 'POST /v2.0/networks', { network })
  const subnet = { network_id: networkId, ip_version: 4, cidr: '198.51.100.0/24', enable_dhcp: false }
  const { id: subnetId } = await cloud.make('admin', 'POST /v2.0/subnets', { subnet })
  return { networkId, subnetId }
}

export const nowhere = 'ffffffff-ffff-4fff-8fff-ffffffffffff'
