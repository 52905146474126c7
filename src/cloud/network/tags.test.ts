import { expect, test } from 'vitest'
import { nowhere, type Person, place, testCloud } from './fixture.ts'

const rows: [who: Person, route: string, body: unknown, status: number, answer: unknown][] = [
  ['ann', 'GET ', undefined, 200, { tags: ['x', 'y'] }],
  ['ann', 'PUT ', { tags: ['z'] }, 200, { tags: ['z'] }],
  ['ann', 'POST ', { tags: ['z'] }, 200, { tags: ['z'] }],
  ['ann', 'PUT /z', undefined, 201, null],
  ['ann', 'GET /x', undefined, 204, ''],
  ['ann', 'GET /z', undefined, 404, 'Tag z could not be found.'],
  ['ann', 'DELETE /x', undefined, 204, ''],
  ['ann', 'DELETE /z', undefined, 404, 'Tag z could not be found.'],
  ['ann', 'DELETE ', undefined, 204, ''],
  ['ann', 'PUT ', {}, 400, 'Invalid input for operation: Invalid tags body.'],
  ['ann', 'PUT ', { tags: 'x' }, 400, "Invalid input for operation: 'x' is not a list."],
  ['ann', 'PUT ', { tags: ['x', 'x'] }, 400, "Invalid input for operation: Duplicate items in the list: 'x'."],
  ['ann', 'PUT ', { tags: ['x'.repeat(256)] }, 400, `Invalid input for operation: '${'x'.repeat(256)}' exceeds maximum length of 255.`],
  [
    'ann',
    'PUT ',
    { tags: [...Array(51).keys()].map(String) },
    400,
    'Bad networks request: The number of tags exceed the per-resource limit of 50.',
  ],
  ['ann', 'PUT ', { tags: [...Array(50).keys()].map(String) }, 200, { tags: [...Array(50).keys()].map(String) }],
  ['rita', 'GET ', undefined, 200, { tags: ['x', 'y'] }],
  ['rita', 'PUT /z', undefined, 403, 'rule:update_network:tags is disallowed by policy'],
  ['bob', 'GET ', undefined, 403, 'rule:get_network:tags is disallowed by policy'],
]
for (const [who, route, body, status, answer] of rows)
  test(`${who} ${route}tags ${JSON.stringify(body)?.slice(0, 40)} → ${status}`, async () => {
    const cloud = testCloud()
    const { networkId } = await place(cloud)
    const base = `/v2.0/networks/${networkId}/tags`
    await cloud.call('ann', `PUT ${base}`, { tags: ['x', 'y'] })
    const [method, path] = route.split(' ') as [string, string]
    const told = await cloud.call(who, `${method} ${base}${path}`, body)
    expect([told.status, told.body?.NeutronError?.message ?? told.body]).toEqual([status, answer])
  })

test('tags are shown on the resource and count a revision', async () => {
  const cloud = testCloud()
  const { networkId, port } = await place(cloud)
  await cloud.call('ann', `PUT /v2.0/networks/${networkId}/tags/one`)
  await cloud.call('ann', `PUT /v2.0/networks/${networkId}/tags/one`)
  expect((await cloud.call('ann', `GET /v2.0/networks/${networkId}`)).body.network).toMatchObject({ tags: ['one'], revision_number: 3 })
  expect((await port({ tags: ['born', 'with'] })).tags).toEqual(['born', 'with'])
  expect(await cloud.outcome('ann', `PUT /v2.0/networks/${nowhere}/tags`, { tags: [] })).toBe('404 TagResourceNotFound')
  expect(await cloud.outcome('ann', `PUT /v2.0/security-group-rules/${nowhere}/tags`, { tags: [] })).toBe('404 HTTPNotFound')
})
