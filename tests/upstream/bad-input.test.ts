import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resources } from '../../src/api/compute/index.ts'
import { verdictOf } from '../../src/api/serve/validate.ts'
import type { Minor } from '../../src/api/spec/history.ts'
import type { Schema } from '../../src/api/spec/shape.ts'
import type { Response } from '../../src/app/contract.ts'
import { PeerError } from '../../src/oslo/keystoneauth/errors.ts'
import { RemoteError } from '../../src/oslo/messaging/failure.ts'
import type { CallOptions } from '../support/compute-api.ts'
import { lenientPeers } from '../support/fake-peers.ts'
import { mutations, seeded, valueFor } from '../support/mutations.ts'
import { type Farm, farm } from '../support/servers.ts'
import { type Upstream, upstream } from './operations.ts'

// Bodies and queries made of Nova's own schemas, most of them spoiled, go to every operation that takes one. Each is answered soon, and
// refused where Nova's schema refuses it and only there; nothing that a client may send is an error of ours.
const tries = 7
const soon = 2000

const ours = new Set(resources.flatMap((resource) => Object.keys(resource)))
const taking = upstream.filter(
  ({ at, removed, body, query, boundaries }) => ours.has(at) && !removed && boundaries.some((minor) => body(minor) || query(minor)),
)

let farmed: Farm
let server: string
beforeAll(async () => {
  farmed = await farm({}, { peers: lenientPeers() })
  server = await farmed.server()
  farmed.answers.set('get_console_output', () => 'output')
  farmed.answers.set('attach_interface', () => ({ id: strangers[0] }))
  farmed.answers.set('get_instance_diagnostics', () => {
    throw new Error('the host has none')
  })
  for (const kind of ['vnc', 'spice', 'serial', 'mks']) farmed.answers.set(`get_${kind}_console`, () => ({ access_url: 'http://x' }))
})
afterAll(() => farmed.close())

const random = seeded(20260301)
const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
const counts = { valid: 0, refused: 0 }

interface Sent {
  readonly body: unknown
  /** Parameters as a server reads them: texts. */
  readonly query: Readonly<Record<string, readonly string[]>>
}

/** Spoils one of the two; the other is as good as can be. */
function sentTo(operation: Upstream, minor: Minor): Sent {
  const [bodySchema, querySchema] = [operation.body(minor), operation.query(minor)]
  const onlyQuery = !bodySchema || (querySchema && random() < 0.5)
  const spoiled = (schema: Schema | undefined) => schema && [...mutations(schema, random, 2)][random() < 0.15 ? 0 : 1]
  return {
    body: onlyQuery ? bodySchema && valueFor(bodySchema, random) : spoiled(bodySchema),
    query: textsOf(onlyQuery ? spoiled(querySchema) : {}),
  }
}

function textsOf(query: unknown): Record<string, string[]> {
  const texts = (value: unknown): string[] =>
    (Array.isArray(value) ? value : [value]).map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
  if (typeof query !== 'object' || query === null) return {}
  return Object.fromEntries(
    Object.entries(query)
      .map(([name, value]) => [name, texts(value)] as const)
      .filter(([, values]) => values.length > 0),
  )
}

const target = (path: string, query: Sent['query']) => {
  const text = Object.entries(query).flatMap(([name, values]) =>
    values.map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`),
  )
  return text.length === 0 ? path : `${path}?${text.join('&')}`
}

const strangers = [
  '8d5a1a3e-0b3e-4f0f-9d39-0d2f0e5ad6b1',
  '1',
  'x',
  '%00',
  '%D1%82',
  '%FF',
  'a'.repeat(300),
  '%F0%9F%98%80',
  "'",
  '-1',
  '1e999',
]

/** A path with names in it: of servers there is one, other things are not there. */
function pathOf(route: string, uuid: string): string {
  return route.replaceAll(/:(\w+)/g, (_, _name, at) =>
    route.startsWith('/servers/:') && at === 9 && random() < 0.8 ? uuid : pick(strangers),
  )
}

/** `text` is a body as it is sent. */
async function answered(version: string, route: string, text: string | undefined, options: CallOptions = {}): Promise<Response> {
  let timer: NodeJS.Timeout
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error('no answer')), soon)
  })
  return Promise.race([farmed.api.ask(version, route, text, { as: 'admin', ...options }), late]).finally(() => clearTimeout(timer))
}

const words = ({ body }: Response): string => {
  const text = String(body ?? '')
  return text.startsWith('{') ? ((Object.values(JSON.parse(text))[0] as { message?: string })?.message ?? '') : ''
}
const schemaWords = /^Invalid input for (field\/attribute|query parameters) /

describe('spoiled bodies and queries', () => {
  test.each(taking.map((operation) => [operation.at, operation] as const))('%s', async (at, operation) => {
    const [method, route, action] = at.split(' ') as [string, string, string?]
    const minors = [...new Set([operation.since, pick(operation.boundaries), operation.until])]
    for (const minor of minors) {
      const uuid = await farmed.server()
      for (let i = 0; i < tries; i++) {
        const { body, query } = sentTo(operation, minor)
        const asked = `${method} ${target(pathOf(route, uuid), query)}`
        const said = `${asked.slice(0, 300)} at 2.${minor} with ${JSON.stringify(body)?.slice(0, 600)}`
        const answer = await answered(`2.${minor}`, asked, JSON.stringify(body)).catch((error: Error) =>
          expect.fail(`${said}: ${error.message}`),
        )
        refuseErrors(said)
        if (isOther(body, action))
          expect([said, answer.status]).toEqual([said, expect.toSatisfy((status) => status === 400 || status === 404)])
        else if (fits(operation.body(minor), body) && fits(operation.query(minor), query)) {
          counts.valid++
          expect(`${said}: ${words(answer)}`).not.toMatch(new RegExp(`: ${schemaWords.source.slice(1)}`))
        } else {
          counts.refused++
          expect([said, answer.status]).toEqual([said, 400])
        }
      }
    }
  })

  // A test that never met a valid or an invalid value would prove nothing
  test('are of both kinds', () => {
    expect(Math.min(counts.valid, counts.refused)).toBeGreaterThan((counts.valid + counts.refused) * 0.1)
  })
})

/** On the legacy endpoint what a schema does not know is dropped, not refused. nova/api/validation/validators.py */
const relaxed = (schema: Schema | undefined): Schema | undefined =>
  schema && JSON.parse(JSON.stringify(schema), (key, value) => (key === 'additionalProperties' && value === false ? undefined : value))

describe('the legacy endpoint', () => {
  const legacy = { legacy: true } as const
  test.each(taking.filter(({ since }) => since === 1).map((operation) => [operation.at, operation] as const))(
    '%s',
    async (at, operation) => {
      const [method, route, action] = at.split(' ') as [string, string, string?]
      const uuid = await farmed.server()
      for (let i = 0; i < tries; i++) {
        // Where nothing is validated there, anything may come
        const like = operation.body(0) || operation.query(0) ? 0 : 1
        const { body, query } = sentTo(operation, like)
        const asked = `${method} ${target(pathOf(route, uuid), query)}`
        const said = `${asked.slice(0, 300)} with ${JSON.stringify(body)?.slice(0, 600)}`
        const answer = await answered('2.0', asked, JSON.stringify(body), legacy).catch((error: Error) =>
          expect.fail(`${said}: ${error.message}`),
        )
        refuseErrors(said)
        expect([said, answer.headers.filter(([name]) => /version/i.test(name))]).toEqual([said, []])
        // Of names with a pattern, Nova lets pass what does not fit it when nothing does
        if (like === 1 || isOther(body, action) || JSON.stringify(operation.body(0) ?? null).includes('patternProperties')) continue
        const good = fits(relaxed(operation.body(0)), body) && fits(relaxed(operation.query(0)), query)
        if (good) expect(`${said}: ${words(answer)}`).not.toMatch(new RegExp(`: ${schemaWords.source.slice(1)}`))
        else expect([said, answer.status]).toEqual([said, 400])
      }
    },
  )
})

describe('pairs of metadata that the schemas of the legacy endpoint let pass', () => {
  const pairs: [object, number][] = [
    [{ é: 'x' }, 200],
    [{ '': 'x' }, 400],
    [{ é: {} }, 400],
    [{ é: null }, 400],
    [{ ['é'.repeat(255)]: 'é'.repeat(255) }, 200],
    [{ ['é'.repeat(256)]: 'x' }, 400],
    [{ é: 'é'.repeat(256) }, 400],
  ]
  test.each(pairs)('%.60j', async (metadata, status) => {
    const uuid = await farmed.server()
    const answer = await answered('2.0', `POST /servers/${uuid}/metadata`, JSON.stringify({ metadata }), { legacy: true })
    expect(answer.status).toBe(status)
    refuseErrors('')
  })
})

describe('odd names and headers, where nothing else is sent', () => {
  const bare = upstream.filter(({ at, removed }) => ours.has(at) && !removed && !at.split(' ')[2] && at.startsWith('GET'))
  const alsoBare = upstream.filter(({ at, removed }) => ours.has(at) && !removed && at.startsWith('DELETE'))
  const ids = [
    ...strangers,
    'a'.repeat(8000),
    '%2e%2e%2f'.repeat(500),
    '%0d%0aSet-Cookie:%20a=b',
    '%E2%80%AE%E2%80%8B',
    '%ED%A0%80',
    '%',
    '%zz',
    '9'.repeat(400),
    '0x10',
    '__proto__',
    'constructor',
    "x'%3b%20DROP%20TABLE%20instances%3b--",
    '%00'.repeat(100),
    '.',
  ]
  const headers: Record<string, string | string[]>[] = [
    { accept: 'text/html, */*;q=x' },
    { 'openstack-api-version': ['compute 2.1', 'compute 2.60'] },
    { 'openstack-api-version': 'compute 2.60'.repeat(500) },
    { 'openstack-api-version': 'compute \u0000' },
    { 'x-openstack-nova-api-version': ['2.1', '2.60'] },
    { 'content-type': ['application/json', 'text/plain'] },
    { 'content-type': 'application/json; charset=\u00ff' },
    { 'content-length': '-1' },
    { host: '' },
    { host: ['a', 'b'] },
    { host: '[::1' },
    { 'x-forwarded-host': 'a\\b', 'x-forwarded-proto': 'javascript' },
    { 'x-openstack-request-id': 'req-\u00e9'.repeat(100) },
  ]
  test.each([...bare, ...alsoBare].map(({ at, until }, turn) => [at, until, turn] as const))('%s', async (at, until, turn) => {
    const [method, route] = at.split(' ') as [string, string]
    const uuid = await farmed.server()
    const half = <T>(items: readonly T[]) => items.filter((_, i) => i % 2 === turn % 2)
    const cases: [string, CallOptions][] = [
      ...(route.includes(':') ? half(ids).map((id): [string, CallOptions] => [route.replaceAll(/:\w+/g, id), {}]) : []),
      ...(/^\/servers\/:server_id\/.+:/.test(route)
        ? half(ids).map((id): [string, CallOptions] => [route.replace(/:\w+/, uuid).replaceAll(/:\w+/g, id), {}])
        : []),
      ...half(headers).map((each): [string, CallOptions] => [
        route.replace(/:\w+/, method === 'GET' ? uuid : 'x').replaceAll(/:\w+/g, 'x'),
        { headers: each },
      ]),
    ]
    for (const [path, options] of cases) {
      const said = `${method} ${path.slice(0, 200)} ${JSON.stringify(options).slice(0, 200)}`
      const answer = await answered(`2.${until}`, `${method} ${path}`, undefined, options).catch((error: Error) =>
        expect.fail(`${said}: ${error.message}`),
      )
      refuseErrors(said)
      for (const [name, value] of answer.headers) expect([said, name, value]).toEqual([said, name, expect.not.stringMatching(/[\r\n]/)])
    }
  })
})

describe('huge and deep bodies', () => {
  const nested = (depth: number) => `${'['.repeat(depth)}"[${'\\"'.repeat(9)}"${']'.repeat(depth)}`
  test.each([
    [1000, /^Invalid input/],
    [1001, /^Malformed request body$/],
  ])('%d lists in each other', async (depth, message) => {
    // one is the list of tags itself
    const answer = await answered('2.26', `PUT /servers/${server}/tags`, `{"tags":${nested(depth - 1)}}`)
    expect([answer.status, words(answer)]).toEqual([400, expect.stringMatching(message)])
  })

  // What [oslo_middleware] max_request_body_size lets through
  const most = 114_000
  const kinds: Record<string, () => string> = {
    'a long text': () => JSON.stringify('ї'.repeat(most / 2)),
    'many items': () => `[${'0,'.repeat(most / 2)}0]`,
    'many keys': () => `{${Array.from({ length: most / 12 }, (_, i) => `"k${i}":${i}`).join()}}`,
    'lists in lists': () => '['.repeat(most / 2) + ']'.repeat(most / 2),
    'objects in objects': () => `${'{"a":'.repeat(most / 6)}0${'}'.repeat(most / 6)}`,
    'a number of many digits': () => '9'.repeat(most),
    'one key many times': () => `{${'"a":1,'.repeat(most / 6)}"a":1}`,
  }
  const bodies = taking.filter(({ body, until }) => body(until))
  test.each(Object.entries(kinds).map(([kind, text], i) => [kind, text, i] as const))('%s', async (_, text, turn) => {
    for (const { at, until, body } of bodies.filter((_, i) => i % 4 === turn % 4)) {
      const [method, route, action] = at.split(' ') as [string, string, string?]
      const good = valueFor(body(until)!, random) as object | null
      for (const spoiled of placesOf(good, text(), action)) {
        const before = process.memoryUsage().heapUsed
        const answer = await answered(`2.${until}`, `${method} ${pathOf(route, server)}`, spoiled).catch((error) =>
          expect.fail(`${at}: ${error.message}`),
        )
        refuseErrors(at)
        // Nova tells the value that it refuses
        expect([at, String(answer.body).length]).toEqual([at, expect.toSatisfy((length) => length < most * 4)])
        expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024)
      }
    }
  })
})

/** The body with a text in place of what is in it: of the whole, and of one thing below its only key. */
function placesOf(good: object | null, text: string, action: string | undefined): string[] {
  const [key = 'x', inner] = Object.entries(good ?? {})[0] ?? []
  const whole = action === undefined ? text : `{"${action}":${text}}`
  const names = typeof inner === 'object' && inner !== null ? Object.keys(inner) : []
  if (names.length === 0) return [whole]
  const marked = JSON.stringify({ [key]: { ...inner, [pick(names)]: 'SPOILED' } })
  return [whole, marked.replace('"SPOILED"', () => text)]
}

/** What other services fail at is none of ours. */
function refuseErrors(said: string): void {
  const ours = farmed.api.errors.splice(0).filter((error) => !(error instanceof PeerError || error instanceof RemoteError))
  if (ours.length > 0) throw new Error(said, { cause: ours[0] })
}

const fits = (schema: Schema | undefined, value: unknown): boolean => !schema || verdictOf(schema)(structuredClone(value))

/** Whether it names no action or another one. */
function isOther(body: unknown, action: string | undefined): boolean {
  if (action === undefined) return false
  return typeof body !== 'object' || body === null || Object.keys(body).join() !== action
}
