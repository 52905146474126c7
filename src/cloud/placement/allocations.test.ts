import { expect, test } from 'vitest'
import { allocation, id, own, provider, type TestPlacement, testPlacement } from './fixture.ts'

/** Two providers of VCPU 4 and DISK_GB 100 in tens; 50 has 3 VCPU of the first. */
async function cloudOf(): Promise<TestPlacement> {
  const cloud = testPlacement()
  for (const number of [1, 2])
    await provider(cloud, number, { has: { VCPU: 4, DISK_GB: { total: 100, step_size: 10, min_unit: 20, max_unit: 60 } } })
  await cloud.make(`PUT /allocations/${id(50)}`, allocation({ 1: { VCPU: 3 } }))
  return cloud
}

const one = `PUT /allocations/${id(51)}`
const listed = [{ resource_provider: { uuid: id(1) }, resources: { VCPU: 1 } }]
const rows: [version: number, route: string, body: unknown, status: number, told?: string][] = [
  [0, one, { allocations: listed }, 204],
  [7, one, { allocations: listed, ...own }, 400, 'was unexpected'],
  [8, one, { allocations: listed, ...own }, 204],
  [8, one, { allocations: listed }, 400, "'project_id' is a required property"],
  [12, one, { allocations: listed, ...own }, 400, "is not of type 'object'"],
  [12, one, { allocations: { [id(1)]: { resources: { VCPU: 1 } } }, ...own }, 204],
  [27, one, { allocations: {}, ...own }, 400, 'should be non-empty'],
  [28, one, { allocations: {}, ...own, consumer_generation: null }, 204],
  [28, one, { allocations: {}, ...own }, 400, "'consumer_generation' is a required property"],
  [38, one, { allocations: {}, ...own, consumer_generation: null }, 400, "'consumer_type' is a required property"],
  [39, one, allocation({ 1: { VCPU: 1 } }), 204],
  [39, one, allocation({ 1: { VCPU: 2 } }), 409, 'The requested amount would exceed the capacity.'],
  [39, one, allocation({ 1: { VCPU: 0 } }), 400, 'less than the minimum of 1'],
  [39, one, allocation({ 1: { DISK_GB: 20 } }), 204],
  [39, one, allocation({ 1: { DISK_GB: 10 } }), 409, 'would violate inventory constraints.'],
  [39, one, allocation({ 1: { DISK_GB: 70 } }), 409, 'would violate inventory constraints.'],
  [39, one, allocation({ 1: { DISK_GB: 25 } }), 409, 'would violate inventory constraints.'],
  [39, one, allocation({ 1: { VGPU: 1 } }), 409, "Inventory for 'VGPU' on resource provider"],
  [39, one, allocation({ 1: { CUSTOM_NONE: 1 } }), 400, 'No such resource class CUSTOM_NONE.'],
  [39, one, allocation({ 9: { VCPU: 1 } }), 400, `'${id(9)}' that does not exist.`],
  [39, one, allocation({ 1: { VCPU: 1 } }, 1), 409, 'expected null but got 1'],
  [39, `PUT /allocations/${id(50)}`, allocation({ 1: { VCPU: 4 } }, 1), 204],
  [39, `PUT /allocations/${id(50)}`, allocation({ 1: { VCPU: 4 } }), 409, 'expected 1 but got None'],
  [39, 'PUT /allocations/server', allocation({}), 400, 'Malformed consumer_uuid: server'],
  [12, 'POST /allocations', {}, 404],
  [13, 'POST /allocations', {}, 400, 'should be non-empty'],
  // A move: what was the server's becomes the migration's, at once.
  [39, 'POST /allocations', { [id(50)]: allocation({ 2: { VCPU: 3 } }, 1), [id(51)]: allocation({ 1: { VCPU: 3 } }) }, 204],
  [
    39,
    'POST /allocations',
    { [id(52)]: allocation({ 2: { VCPU: 3 } }), [id(51)]: allocation({ 2: { VCPU: 3 } }) },
    409,
    'exceed the capacity',
  ],
  [39, `DELETE /allocations/${id(50)}`, undefined, 204],
  [39, `DELETE /allocations/${id(51)}`, undefined, 404, 'No allocations for consumer'],
]
for (const [version, route, body, status, told = ''] of rows)
  test(`1.${version} ${route} ${JSON.stringify(body) ?? ''} → ${status}`, async () => {
    const answer = await (await cloudOf()).call('admin', version, route, body)
    expect(answer.status).toBe(status)
    expect(JSON.stringify(answer.body)).toContain(told)
  })

test('an allocation as versions show it', async () => {
  const cloud = await cloudOf()
  const shown = async (version: number, path: string) => (await cloud.call('admin', version, `GET ${path}`)).body
  const allocations = { [id(1)]: { resources: { VCPU: 3 }, generation: 3 } }
  expect(await shown(0, `/allocations/${id(50)}`)).toEqual({ allocations })
  expect(await shown(12, `/allocations/${id(50)}`)).toEqual({ allocations, ...own })
  expect(await shown(28, `/allocations/${id(50)}`)).toEqual({ allocations, ...own, consumer_generation: 1 })
  expect(await shown(38, `/allocations/${id(50)}`)).toEqual({ allocations, ...own, consumer_generation: 1, consumer_type: 'INSTANCE' })
  expect(await shown(39, `/allocations/${id(51)}`)).toEqual({ allocations: {} })
  expect(await shown(28, `/resource_providers/${id(1)}/allocations`)).toEqual({
    allocations: { [id(50)]: { resources: { VCPU: 3 }, consumer_generation: 1 } },
    resource_provider_generation: 3,
  })
})

test('a refused change of several leaves all as it was', async () => {
  const cloud = await cloudOf()
  const before = await cloud.make(`GET /resource_providers/${id(1)}/allocations`)
  const body = { [id(50)]: allocation({}, 1), [id(51)]: allocation({ 1: { VCPU: 5 } }) }
  expect((await cloud.call('admin', 39, 'POST /allocations', body)).status).toBe(409)
  expect(await cloud.make(`GET /resource_providers/${id(1)}/allocations`)).toEqual(before)
})

test('who is over capacity may still take less', async () => {
  const cloud = await cloudOf()
  const { generation } = await cloud.make(`GET /resource_providers/${id(1)}`)
  await cloud.make(`PUT /resource_providers/${id(1)}/inventories/VCPU`, { total: 1, resource_provider_generation: generation })
  expect((await cloud.call('admin', 39, `PUT /allocations/${id(50)}`, allocation({ 1: { VCPU: 2 } }, 1))).status).toBe(204)
  expect((await cloud.call('admin', 39, `PUT /allocations/${id(50)}`, allocation({ 1: { VCPU: 3 } }, 2))).status).toBe(409)
})

test('usages of a project, by the type of its consumers from 1.38', async () => {
  const cloud = await cloudOf()
  await cloud.make(`PUT /allocations/${id(51)}`, allocation({ 2: { VCPU: 1 } }, null, 'MIGRATION'))
  await cloud.call('admin', 12, `PUT /allocations/${id(52)}`, { allocations: { [id(2)]: { resources: { VCPU: 2 } } }, ...own })
  const shown = async (version: number, query = '') => (await cloud.call('ann', version, `GET /usages?project_id=one${query}`)).body.usages
  expect(await shown(9)).toEqual({ VCPU: 6 })
  expect(await shown(9, '&user_id=bob')).toEqual({})
  const instances = { consumer_count: 1, VCPU: 3 }
  expect(await shown(38)).toEqual({
    INSTANCE: instances,
    MIGRATION: { consumer_count: 1, VCPU: 1 },
    unknown: { consumer_count: 1, VCPU: 2 },
  })
  expect(await shown(38, '&consumer_type=INSTANCE')).toEqual({ INSTANCE: instances })
  expect(await shown(38, '&consumer_type=all')).toEqual({ all: { consumer_count: 3, VCPU: 6 } })
  expect((await cloud.call('ann', 37, 'GET /usages?project_id=one&consumer_type=all')).status).toBe(400)
})

test('a reshape moves inventory and what is allocated on it, or nothing', async () => {
  const cloud = await cloudOf()
  await provider(cloud, 3, { parent: 1 })
  const disk = { DISK_GB: { total: 100 } }
  const inventories = {
    [id(1)]: { resource_provider_generation: 3, inventories: disk },
    [id(3)]: { resource_provider_generation: 2, inventories: { VCPU: { total: 4 } } },
  }
  const reshape = (allocations: object, of: object = inventories) =>
    cloud.call('nova', 39, 'POST /reshaper', { inventories: of, allocations })
  expect((await reshape({})).body.errors[0].code).toBe('placement.inventory.inuse')
  expect((await reshape({}, { [id(1)]: { ...inventories[id(1)], resource_provider_generation: 2 } })).body.errors[0].code).toBe(
    'placement.concurrent_update',
  )
  expect((await reshape({}, { [id(9)]: inventories[id(1)] })).body.errors[0].code).toBe('placement.resource_provider.not_found')
  expect((await reshape({ [id(50)]: allocation({ 3: { VCPU: 3 } }, 1) })).status).toBe(204)
  expect((await cloud.make(`GET /resource_providers/${id(3)}/usages`)).usages).toEqual({ VCPU: 3 })
  expect(Object.keys((await cloud.make(`GET /resource_providers/${id(1)}/inventories`)).inventories)).toEqual(['DISK_GB'])
})
