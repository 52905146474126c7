import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../tests/support/compute-api.ts'
import { upstream } from '../../../tests/upstream/operations.ts'
import type { Application } from '../../app/contract.ts'
import { ask } from '../../app/testing.ts'
import { openapi } from '../../cli/openapi/index.ts'
import { UsageError } from '../../cli/usage.ts'
import { resources } from '../compute/index.ts'
import { newest } from '../spec/history.ts'
import { openApi } from './document.ts'
import { openApiAt } from './serve.ts'

interface Described {
  readonly operationId: string
  readonly parameters: { name?: string; in?: string; schema?: object }[]
  readonly requestBody?: { content: Record<string, { schema: object }> }
  readonly responses: Record<string, { content?: Record<string, { schema: object }> }>
  readonly 'x-openstack-actions'?: string[]
}
type Paths = Record<string, Record<string, Described>>

const made = new Map<number, Paths>()
function pathsAt(minor: number): Paths {
  let paths = made.get(minor)
  if (!paths) made.set(minor, (paths = openApi(resources, minor).paths as Paths))
  return paths
}
const operationsIn = (paths: Paths): [path: string, method: string, operation: Described][] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [path, method, operation] as [string, string, Described]),
  )

const versions = [1, 2, 35, 36, 53, 54, 75, 88, 101, 102, newest]
for (const minor of versions)
  describe(`2.${minor}`, () => {
    const all = operationsIn(pathsAt(minor))

    test('has the operations that Nova has, and no other', () => {
      const ours = all.flatMap(([path, method, operation]) =>
        (operation['x-openstack-actions'] ?? ['']).map((action) => `${method.toUpperCase()} ${path} ${action}`.trim()),
      )
      const theirs = upstream
        .filter(({ since, until, removed }) => !removed && since <= minor && minor <= until)
        .map(({ at }) => at.replaceAll(/:(\w+)/g, '{$1}'))
      expect(ours.sort()).toEqual(theirs.sort())
    })

    test('names each of them once and tells the parameters of its path', () => {
      const ids = all.map(([, , { operationId }]) => operationId)
      expect(new Set(ids).size).toBe(ids.length)
      for (const [path, , { parameters }] of all)
        expect(parameters.filter((each) => each.in === 'path').map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? [])
    })

    // It takes a while: at the ends, and where most was taken away
    if (![1, 36, newest].includes(minor)) return
    test('has schemas that can be compiled', () => {
      const ajv = new Ajv2020({ strict: false, validateFormats: false })
      ajv.addSchema({ $id: 'document', components: openApi(resources, minor).components } as object)
      for (const [, , { requestBody, responses, parameters }] of all) {
        const contents = [requestBody, ...Object.values(responses)].flatMap((each) => Object.values(each?.content ?? {}))
        for (const { schema } of contents) if (!('$ref' in schema)) ajv.compile(schema)
        for (const { schema } of parameters) if (schema) ajv.compile(schema)
      }
    })
  })

test('an action among several is one form of the body', () => {
  const { requestBody } = pathsAt(73)['/servers/{id}/action']!.post!
  const { oneOf } = requestBody!.content['application/json']!.schema as { oneOf: { properties: object }[] }
  expect(oneOf.length).toBeGreaterThan(30)
  expect(oneOf.some(({ properties }) => properties && 'lock' in properties)).toBe(true)
})

test('fields and parameters come and go with versions', () => {
  const flavor = (minor: number) => JSON.stringify(pathsAt(minor)['/flavors/{id}']!.get!.responses['200'])
  expect([flavor(54).includes('description"'), flavor(55).includes('"description":{')]).toEqual([true, true])
  expect(flavor(54).includes('"description":{"type"')).toBe(false)
  const parameters = (minor: number) => pathsAt(minor)['/flavors']!.get!.parameters.map(({ name }) => name)
  expect([parameters(101).includes('name'), parameters(102).includes('name')]).toEqual([false, true])
})

test('versions that are not served are refused', () => {
  for (const minor of [0, newest + 1, Number.NaN]) expect(() => openApi(resources, minor)).toThrow(RangeError)
})

describe('answers are as they are described', () => {
  let api: TestApi
  beforeAll(async () => {
    api = await testApi()
    await api.call('2.1', 'POST /flavors', { flavor: { name: 'f', id: 'f', ram: 64, vcpus: 1, disk: 1 } })
    await api.call('2.1', 'POST /os-keypairs', { keypair: { name: 'k' } })
  })
  afterAll(() => api.close())

  const asked: [route: string, path: string][] = [
    ['GET /flavors', '/flavors'],
    ['GET /flavors/detail?limit=1', '/flavors/detail'],
    ['GET /flavors/f', '/flavors/{id}'],
    ['GET /os-keypairs', '/os-keypairs'],
    ['GET /os-keypairs/k', '/os-keypairs/{id}'],
    ['GET /servers/detail', '/servers/detail'],
    ['GET /os-server-groups', '/os-server-groups'],
    ['GET /os-services', '/os-services'],
  ]
  for (const [route, path] of asked)
    for (const minor of [1, 55, newest])
      test(`${route} @2.${minor}`, async () => {
        const { status, body } = await api.call(`2.${minor}`, route)
        const { schema } = pathsAt(minor)[path]!.get!.responses[String(status)]!.content!['application/json']!
        const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schema)
        expect([validate(body), validate.errors]).toEqual([true, null])
      })
})

describe('served where an option says so', () => {
  const app: Application = async () => ({ status: 418, headers: [], body: null })
  const get = async (line: string, version?: string, path: string | null = '/openapi.json') => {
    const headers = { host: 'nova.example', ...(version && { 'openstack-api-version': `compute ${version}` }) }
    const answer = await openApiAt({ openapiPath: path }, resources)(app)(ask(line, { headers, scriptName: '/v2.1' }))
    return { status: answer.status, body: answer.body ? JSON.parse(String(answer.body)) : null, headers: answer.headers }
  }

  test('at the version that is asked for, with the address that was used', async () => {
    const { status, body, headers } = await get('GET /openapi.json', '2.79')
    expect([status, body.openapi, body.info.version, body.servers]).toEqual([200, '3.1.0', '2.79', [{ url: 'http://nova.example/v2.1' }]])
    expect(headers).toContainEqual(['OpenStack-API-Version', 'compute 2.79'])
    expect((await get('GET /openapi.json')).body.info.version).toBe('2.1')
    expect((await get('GET /openapi.json', 'latest')).body.info.version).toBe(`2.${newest}`)
    expect((await get('GET /openapi.json', '2.999')).status).toBe(406)
  })

  test('and nowhere else', async () => {
    expect((await get('GET /servers')).status).toBe(418)
    expect((await get('POST /openapi.json')).status).toBe(418)
    expect((await get('GET /openapi.json', undefined, null)).status).toBe(418)
  })
})

describe('nova-ts openapi', () => {
  const run = async (...argv: string[]) => {
    let out = ''
    const code = await openapi(argv, { out: (text: string) => (out += text), err: () => {}, env: {}, self: ['node'] } as never)
    return { code, out }
  }
  test('prints a version', async () => {
    expect(JSON.parse((await run('--microversion', '2.2')).out).info.version).toBe('2.2')
    expect(JSON.parse((await run('--server', 'https://cloud.example/compute/v2.1')).out)).toMatchObject({
      info: { version: `2.${newest}` },
      servers: [{ url: 'https://cloud.example/compute/v2.1' }],
    })
    expect((await run('--help')).out).toContain('--microversion')
  })
  for (const argv of [
    ['--microversion', '2.104'],
    ['--microversion', 'x'],
    ['--colour', 'red'],
  ])
    test(`${argv.join(' ')} is refused`, async () => {
      await expect(run(...argv)).rejects.toThrow(UsageError)
    })
})
