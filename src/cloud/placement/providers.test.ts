import { describe, expect, test } from 'vitest'
import { openShelf } from '../shelf.ts'
import { allocation, id, provider, testPlacement } from './fixture.ts'

const relationsOf = (body: { links: { rel: string }[] }) => body.links.map(({ rel }) => rel)

test('a provider as versions show it', async () => {
  const cloud = testPlacement()
  const made = await cloud.call('admin', 19, 'POST /resource_providers', { name: 'one', uuid: id(1).replaceAll('-', '') })
  expect([made.status, made.bytes.length, made.header('location')]).toEqual([201, 0, `http://cloud:8778/resource_providers/${id(1)}`])
  const shown = async (version: number) => (await cloud.call('admin', version, `GET /resource_providers/${id(1)}`)).body
  expect(await shown(0)).toEqual({ uuid: id(1), name: 'one', generation: 0, links: expect.any(Array) })
  expect(relationsOf(await shown(0))).toEqual(['self', 'inventories', 'usages'])
  expect(relationsOf(await shown(11))).toEqual(['self', 'inventories', 'usages', 'aggregates', 'traits', 'allocations'])
  expect(await shown(14)).toMatchObject({ parent_provider_uuid: null, root_provider_uuid: id(1) })
  expect((await cloud.call('admin', 20, 'POST /resource_providers', { name: 'two' })).body).toMatchObject({ name: 'two', generation: 0 })
})

const refused: [version: number, route: string, body: unknown, status: number, detail: string, code?: string][] = [
  [13, 'POST /resource_providers', { name: 'x', parent_provider_uuid: id(1) }, 400, "'parent_provider_uuid' was unexpected"],
  [14, 'POST /resource_providers', { name: 'x', parent_provider_uuid: id(9) }, 400, 'parent provider UUID does not exist.'],
  [
    39,
    'POST /resource_providers',
    { name: 'p1' },
    409,
    'Conflicting resource provider name: p1 already exists.',
    'placement.duplicate_name',
  ],
  [39, 'POST /resource_providers', { name: 'x', uuid: id(1) }, 409, `uuid: ${id(1)}`, 'placement.duplicate_name'],
  [39, 'POST /resource_providers', { name: 'x', uuid: 'y' }, 400, "'y' is not a 'uuid'"],
  [39, `PUT /resource_providers/${id(2)}`, { name: 'p1' }, 409, 'Conflicting resource provider p1', 'placement.duplicate_name'],
  [
    36,
    `PUT /resource_providers/${id(2)}`,
    { name: 'p2', parent_provider_uuid: id(4) },
    400,
    're-parenting a provider is not currently allowed.',
  ],
  [
    36,
    `PUT /resource_providers/${id(2)}`,
    { name: 'p2', parent_provider_uuid: null },
    400,
    'un-parenting a provider is not currently allowed.',
  ],
  [37, `PUT /resource_providers/${id(1)}`, { name: 'p1', parent_provider_uuid: id(3) }, 400, 'creating loop in the provider tree'],
  [39, `DELETE /resource_providers/${id(1)}`, undefined, 409, 'It has child', 'placement.resource_provider.cannot_delete_parent'],
  [39, `DELETE /resource_providers/${id(3)}`, undefined, 409, 'has allocations', 'placement.resource_provider.inuse'],
  [39, `DELETE /resource_providers/${id(9)}`, undefined, 404, 'found for delete'],
  [39, 'GET /resource_providers?name=a&colour=b', undefined, 400, "('colour' was unexpected)"],
  [17, 'GET /resource_providers?required=HW_CPU_X86_AVX', undefined, 400, "('required' was unexpected)"],
  [21, 'GET /resource_providers?required=!HW_CPU_X86_AVX', undefined, 400, "Expected 'required' parameter value of the form"],
  [38, 'GET /resource_providers?required=in:HW_CPU_X86_AVX', undefined, 400, 'only supported since microversion 1.39'],
  [39, 'GET /resource_providers?required=CUSTOM_NONE', undefined, 400, 'No such trait(s): CUSTOM_NONE.'],
  [39, 'GET /resource_providers?resources=VCPU', undefined, 400, 'Badly formed resources parameter'],
  [39, 'GET /resource_providers?resources=VCPU:0', undefined, 400, 'requires amount >= 1'],
  [39, 'GET /resource_providers?resources=NONE:1', undefined, 400, 'No such resource class NONE.'],
  [39, 'GET /resource_providers?member_of=x', undefined, 400, 'valid UUID(s)'],
  [23, `GET /resource_providers?member_of=${id(7)}&member_of=${id(8)}`, undefined, 400, 'Multiple member_of parameters'],
  [31, `GET /resource_providers?member_of=!${id(7)}`, undefined, 400, 'Forbidden member_of parameters'],
]

describe('a tree of three and one beside it', () => {
  const grown = async () => {
    const cloud = testPlacement()
    await provider(cloud, 1, { has: { VCPU: { total: 4, allocation_ratio: 1.5 } }, traits: ['HW_CPU_X86_AVX'], aggregates: [7] })
    await provider(cloud, 2, { parent: 1, has: { VGPU: 2 }, traits: ['HW_CPU_X86_AVX2'], aggregates: [7, 8] })
    await provider(cloud, 3, { parent: 2, has: { VCPU: { total: 8, max_unit: 4, step_size: 2 } }, aggregates: [8] })
    await provider(cloud, 4)
    await cloud.make(`PUT /allocations/${id(50)}`, allocation({ 3: { VCPU: 4 } }))
    return cloud
  }

  for (const [version, route, body, status, detail, code] of refused)
    test(`1.${version} ${route} → ${status}`, async () => {
      const answer = await (await grown()).call('admin', version, route, body)
      expect(answer.status).toBe(status)
      expect(answer.body.errors[0].detail).toContain(detail)
      if (code) expect(answer.body.errors[0].code).toBe(code)
    })

  const found: [query: string, numbers: number[]][] = [
    ['', [1, 2, 3, 4]],
    ['name=p2', [2]],
    [`uuid=${id(3)}`, [3]],
    [`in_tree=${id(3)}`, [1, 2, 3]],
    [`in_tree=${id(9)}`, []],
    [`in_tree=${id(1)}&name=p4`, []],
    ['required=HW_CPU_X86_AVX', [1]],
    ['required=!HW_CPU_X86_AVX', [2, 3, 4]],
    ['required=in:HW_CPU_X86_AVX,HW_CPU_X86_AVX2', [1, 2]],
    ['required=in:HW_CPU_X86_AVX,HW_CPU_X86_AVX2&required=!HW_CPU_X86_AVX', [2]],
    [`member_of=${id(7)}`, [1, 2]],
    [`member_of=in:${id(7)},${id(8)}`, [1, 2, 3]],
    [`member_of=${id(7)}&member_of=${id(8)}`, [2]],
    [`member_of=!in:${id(7)},${id(8)}`, [4]],
    ['resources=VCPU:4', [1, 3]],
    // 6 of the first with its ratio; the third gives 4 at once, in steps of 2, and has 4 left.
    ['resources=VCPU:6', [1]],
    ['resources=VCPU:7', []],
    ['resources=VCPU:3', [1]],
    ['resources=VCPU:1,VGPU:1', []],
  ]
  for (const [query, numbers] of found)
    test(`a list by ${query || 'nothing'}`, async () => {
      const { resource_providers } = await (await grown()).make(`GET /resource_providers?${query}`)
      expect(resource_providers.map(({ uuid }: { uuid: string }) => uuid)).toEqual(numbers.map(id))
    })

  test('a branch that moves takes its root along', async () => {
    const cloud = await grown()
    await cloud.make(`PUT /resource_providers/${id(2)}`, { name: 'p2', parent_provider_uuid: id(4) })
    expect(await cloud.make(`GET /resource_providers/${id(3)}`)).toMatchObject({ parent_provider_uuid: id(2), root_provider_uuid: id(4) })
    await cloud.make(`PUT /resource_providers/${id(2)}`, { name: 'p2', parent_provider_uuid: null })
    expect(await cloud.make(`GET /resource_providers/${id(3)}`)).toMatchObject({ root_provider_uuid: id(2) })
  })
})

test('everything is there after opening again', async () => {
  const shelf = openShelf(':memory:')
  await provider(testPlacement(shelf), 1, { has: { VCPU: 4 } })
  expect(await testPlacement(shelf).make(`GET /resource_providers/${id(1)}/inventories`)).toMatchObject({
    inventories: { VCPU: { total: 4 } },
  })
})
