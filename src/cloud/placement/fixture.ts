/** A placement service in memory with callers to speak to it, for the tests beside the code. */
import { type Answer, ask } from '../ask.ts'
import { person } from '../fixture.ts'
import { openShelf, type Shelf } from '../shelf.ts'
import { placement } from './index.ts'

/** Their names are their tokens. */
const people = {
  admin: person('admin', 'adm', ['admin', 'member', 'reader']),
  nova: person('nova', 'svc', ['service']),
  ann: person('ann', 'one', ['member', 'reader']),
}
export type Person = keyof typeof people

export interface TestPlacement {
  /** `version` is a microversion without its first number. */
  call(who: Person | undefined, version: number, route: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** What an administrator is told by the newest version, which must have succeeded. */
  make(route: string, body?: unknown): Promise<Answer['body']>
}

/** Ids count up, the clock stands still. */
export function testPlacement(shelf: Shelf = openShelf(':memory:')): TestPlacement {
  let last = 0
  const errors: unknown[] = []
  const { application } = placement({
    shelf,
    authenticate: (token) => people[token as Person] ?? null,
    clock: { now: () => Date.parse('2026-01-02T03:04:05Z') },
    ids: { uuid: () => id(900_000 + ++last) },
    report: (error) => void errors.push(error),
  })
  const call: TestPlacement['call'] = async (who, version, route, body, headers) => {
    const answer = await ask(application, route, {
      token: who,
      body,
      host: 'cloud:8778',
      headers: { 'openstack-api-version': `placement 1.${version}`, ...headers },
    })
    if (errors.length > 0) throw errors.pop()
    return answer
  }
  return {
    call,
    async make(route, body) {
      const answer = await call('admin', 39, route, body)
      if (answer.status > 299) throw new Error(`${route} → ${answer.status} ${JSON.stringify(answer.body)}`)
      return answer.body
    },
  }
}

/** A UUID that tells its number. */
export const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

interface Wanted {
  readonly parent?: number
  /** Totals by resource class. */
  readonly has?: Readonly<Record<string, number | Readonly<Record<string, number>>>>
  readonly traits?: readonly string[]
  readonly aggregates?: readonly number[]
}

/** A provider with what it has. */
export async function provider(
  cloud: TestPlacement,
  number: number,
  { parent, has = {}, traits = [], aggregates = [] }: Wanted = {},
): Promise<string> {
  const uuid = id(number)
  const inventories = Object.fromEntries(Object.entries(has).map(([name, of]) => [name, typeof of === 'number' ? { total: of } : of]))
  await cloud.make('POST /resource_providers', { name: `p${number}`, uuid, parent_provider_uuid: parent === undefined ? null : id(parent) })
  await cloud.make(`PUT /resource_providers/${uuid}/inventories`, { resource_provider_generation: 0, inventories })
  await cloud.make(`PUT /resource_providers/${uuid}/aggregates`, { resource_provider_generation: 1, aggregates: aggregates.map(id) })
  await cloud.make(`PUT /resource_providers/${uuid}/traits`, { resource_provider_generation: 2, traits })
  return uuid
}

export const own = { project_id: 'one', user_id: 'ann' }

/** What PUT and POST of allocations take, from 1.38. */
export const allocation = (
  resources: Readonly<Record<number, Readonly<Record<string, number>>>>,
  generation: number | null = null,
  type = 'INSTANCE',
) => ({
  allocations: Object.fromEntries(Object.entries(resources).map(([number, amounts]) => [id(Number(number)), { resources: amounts }])),
  ...own,
  consumer_generation: generation,
  consumer_type: type,
})
