import { describe, expect, test } from 'vitest'
import type { Application } from '../contract.ts'
import { ask } from '../testing.ts'
import { legacyV2Compatible } from './legacy-v2-compatible.ts'

const versions: [string, string][] = [
  ['OpenStack-API-Version', 'compute 2.1'],
  ['X-OpenStack-Nova-API-Version', '2.1'],
]
const run = (headers: [string, string][], asked: Record<string, string> = {}) => {
  const app: Application = async (request) => ({
    status: 200,
    headers: [...headers],
    body: JSON.stringify([Object.keys(request.headers), request.environ]),
  })
  return legacyV2Compatible()(app)(ask('GET /', { headers: asked }))
}

describe('the /v2 endpoint', () => {
  test('hears of no microversion', async () => {
    const { body } = await run([], { 'openstack-api-version': 'compute 2.5', 'x-openstack-nova-api-version': '2.5', 'x-other': '1' })
    expect(JSON.parse(body as string)).toEqual([['host', 'x-other'], { legacyV2: true }])
    expect(JSON.parse((await run([])).body as string)).toEqual([['host'], { legacyV2: true }])
  })

  const vary = (...names: string[]) => names.map((name): [string, string] => ['Vary', name])
  const rows: [[string, string][], [string, string][]][] = [
    [[...versions, ...vary('OpenStack-API-Version', 'X-OpenStack-Nova-API-Version'), ['A', 'b']], [['A', 'b']]],
    [vary('OpenStack-API-Version', 'A, OpenStack-API-Version'), vary('A')],
    [vary('OpenStack-API-Version', 'A, B'), vary('A,B')],
    [vary('A', 'OpenStack-API-Version'), []],
    [[['A', 'b']], [['A', 'b']]],
  ]
  for (const [given, expected] of rows)
    test(`tells of none: ${given.join(' | ')}`, async () => expect((await run(given)).headers).toEqual(expected))
})
