/** Who may ask for which operation: each is asked for by people of every kind, and stopped once its rule has let them through. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resources } from '../../src/api/compute/index.ts'
import { policies } from '../../src/api/policies.ts'
import { newest } from '../../src/api/spec/history.ts'
import type { Operation } from '../../src/api/spec/operation.ts'
import { schemaAt } from '../../src/api/spec/shape.ts'
import { holds } from '../../src/api/spec/span.ts'
import type { Person } from '../support/compute-api.ts'
import { type Farm, farm } from '../support/servers.ts'
import { sampleOf } from './sample.ts'

/** By rule: its default, and the operations that it guards, as Nova 33.0.2 documents them. */
const facts = JSON.parse(readFileSync(new URL('./facts/policies.json', import.meta.url), 'utf8')) as Record<
  string,
  [check: string, at: string[]]
>

/** Servers go by another name there. */
const documented = (at: string): string => at.replace('/os-volumes_boot', '/servers')
const rulesFor = (at: string): string[] =>
  Object.entries(facts).flatMap(([rule, [, guarded]]) => (guarded.includes(documented(at)) ? [rule] : []))

const people: readonly Person[] = ['admin', 'manager', 'member', 'reader', 'other', 'nobody']

/** Who may in their own project; `other` is a member of another one. */
const allowed: Readonly<Record<string, readonly Person[]>> = {
  'rule:context_is_admin': ['admin'],
  'rule:project_manager_or_admin': ['admin', 'manager'],
  'rule:project_member_or_admin': ['admin', 'manager', 'member', 'other'],
  'rule:project_reader_or_admin': ['admin', 'manager', 'member', 'reader', 'other'],
  'rule:service_or_admin': ['admin'],
  '(rule:context_is_admin) or user_id:%(user_id)s': people,
  '@': people,
  '!': [],
}

interface Guarded {
  readonly at: string
  readonly operation: Operation
  readonly minor: number
}

const live: Guarded[] = resources
  .flatMap((resource) => Object.entries(resource))
  .flatMap(([at, lives]) => {
    for (let minor = newest; minor > 0; minor--) {
      const operation = [lives].flat().find(({ span }) => holds(span, minor))
      if (operation) return operation.gone === undefined ? [{ at, operation, minor }] : []
    }
    return []
  })

/** Those that anybody may ask for who has a token. */
const unguarded = ['GET /', 'GET /versions/:id', 'POST /servers/:id/action os-getRDPConsole']
const isOpen = (at: string): boolean =>
  unguarded.includes(at) ||
  /^(GET|DELETE|POST|PUT) \/images/.test(at) ||
  /^GET \/flavors(\/detail|\/:id)?$/.test(at) ||
  /^(POST|DELETE) \/os-baremetal/.test(at)

describe('rules', () => {
  test('have the defaults that Nova gives them', () => {
    expect(Object.fromEntries(policies.map(({ name, check }) => [name, check]))).toEqual(
      Object.fromEntries(Object.entries(facts).map(([name, [check]]) => [name, check])),
    )
  })

  test('guard the operations that they are documented for', () => {
    const odd = live.flatMap(({ at, operation }) =>
      [operation.rule ?? []]
        .flat()
        .filter((rule) => !rulesFor(at).includes(rule))
        .map((rule) => `${at} ${rule}`),
    )
    expect(odd).toEqual([])
  })

  test('guard all but a few', () => {
    expect(live.filter(({ at }) => rulesFor(at).length === 0 && !isOpen(at)).map(({ at }) => at)).toEqual([])
  })
})

/** The rule has let them through: what the operation does then is not asked for here. */
class Passed extends Error {}

let farmed: Farm
let ids: Record<string, string>
/** Stops at these rules, when they hold. */
let stopAt: ReadonlySet<string> = new Set()

beforeAll(async () => {
  farmed = await farm(
    {},
    {
      guard: (policy) => ({
        can(context, rule, target) {
          const may = policy.can(context, rule, target)
          if (may && stopAt.has(rule)) throw new Passed(rule)
          return may
        },
      }),
    },
  )
  const { api } = farmed
  const made = async (route: string, body: object, key: string) => (await api.call('2.53', route, body, { as: 'admin' })).body[key]
  await api.call('2.1', 'POST /flavors', { flavor: { name: 'f', id: 'f', ram: 64, vcpus: 1, disk: 1 } })
  const group = await made('POST /os-server-groups', { server_group: { name: 'g', policies: ['affinity'] } }, 'server_group')
  const aggregate = await made('POST /os-aggregates', { aggregate: { name: 'a' } }, 'aggregate')
  const server = await farmed.server()
  const [service] = (await api.call('2.53', 'GET /os-services')).body.services
  ids = { server, group: group.id, aggregate: String(aggregate.id), service: service.id }
})
afterAll(() => farmed.close())

/** A path with things that are there, where the rule is asked only once they have been found. */
function pathOf(route: string): string {
  const above = (collection: string) => route.startsWith(`/${collection}/`)
  const first =
    above('servers') || above('os-volumes_boot')
      ? 'server'
      : above('os-server-groups')
        ? 'group'
        : above('os-aggregates')
          ? 'aggregate'
          : above('os-services')
            ? 'service'
            : undefined
  let filled = 0
  return route.replace(/:(\w+)/g, (_, name: string) => {
    if (filled++ === 0 && first) return ids[first]!
    return above('flavors') ? 'f' : name === 'id' && (above('os-quota-sets') || above('os-simple-tenant-usage')) ? 'a'.repeat(32) : 'x1'
  })
}

/** Bodies that a sample of the schema does not reach. */
const bodies: Readonly<Record<string, unknown>> = {
  // With a host another rule is asked as well
  'POST /servers/:id/action os-migrateLive': { 'os-migrateLive': { host: null, block_migration: 'auto' } },
}

const bodyOf = ({ at, operation, minor }: Guarded): unknown => {
  const [method, , action] = at.split(' ')
  if (at in bodies) return bodies[at]
  const schema = operation.body && schemaAt(operation.body, minor)
  if (schema) {
    const value = sampleOf(schema)
    return action && value === undefined
      ? { [action]: null }
      : action && !Object.keys((value ?? {}) as object).includes(action)
        ? { [action]: null }
        : value
  }
  return action ? { [action]: null } : method === 'POST' || method === 'PUT' ? {} : undefined
}

type Outcome = 'passed' | 'refused' | 'absent' | `${number} ${string}`

async function outcomeOf(guarded: Guarded, as: Person): Promise<Outcome> {
  const [method, route] = guarded.at.split(' ') as [string, string]
  const before = farmed.api.errors.length
  const response = await farmed.api.ask(`2.${guarded.minor}`, `${method} ${pathOf(route)}`, bodyOf(guarded), { as })
  if (farmed.api.errors.splice(before).some((error) => error instanceof Passed)) return 'passed'
  const text = String(response.body ?? '')
  if (response.status === 403 && text.includes("Policy doesn't allow")) return 'refused'
  return response.status === 404 ? 'absent' : `${response.status} ${text.slice(0, 200)}`
}

/** Asked about the caller, before the server is looked for. nova/api/openstack/compute/remote_consoles.py */
const asksBefore: ReadonlySet<string> = new Set(['VNC', 'SPICE', 'Serial'].map((kind) => `POST /servers/:id/action os-get${kind}Console`))

/** Asked once Neutron has told which server has an address. */
const asksNeutron = 'POST /servers/:id/action removeFloatingIp'

/** Of a project: others do not see it, or may not touch it. */
const isOwned = (at: string): boolean =>
  /^\w+ \/(servers|os-volumes_boot|os-server-groups|os-quota-sets|os-simple-tenant-usage)\/:/.test(at) && !asksBefore.has(at)

/** The rule that is asked first, where several are documented: the others are for what a body asks for. */
const mainRule = ({ at, operation }: Guarded): string =>
  [operation.rule ?? []].flat()[0] ?? rulesFor(at).sort((a, b) => a.length - b.length)[0]!

describe('who may', () => {
  for (const guarded of live.filter(({ at }) => !isOpen(at) && at !== asksNeutron))
    test(guarded.at, async () => {
      const rule = mainRule(guarded)
      const may = allowed[facts[rule]![0]]!
      stopAt = new Set(rulesFor(guarded.at))
      const outcomes: Record<string, string> = {}
      const expected: Record<string, string> = {}
      for (const person of people) {
        const outcome = await outcomeOf(guarded, person)
        const foreign = person === 'other' && isOwned(guarded.at) && facts[rule]![0] !== '@'
        outcomes[person] = foreign && outcome === 'absent' ? 'refused' : outcome
        expected[person] = may.includes(person) && !foreign ? 'passed' : 'refused'
      }
      expect(outcomes).toEqual(expected)
    })
})
