import { expect, test } from 'vitest'
import { allocation, id, provider, testPlacement } from './fixture.ts'

const path = `/resource_providers/${id(1)}`
const inventories = `${path}/inventories`
const whole = { reserved: 0, min_unit: 1, max_unit: 0x7fffffff, step_size: 1, allocation_ratio: 1 }
const at = (generation: number, values: object = {}) => ({ resource_provider_generation: generation, ...values })

/** VCPU 8 of which 2 are in use, MEMORY_MB 1024; the generation is 3. */
async function cloudOf() {
  const cloud = testPlacement()
  await provider(cloud, 1, { has: { VCPU: 8, MEMORY_MB: 1024 }, traits: ['HW_CPU_X86_AVX'] })
  await cloud.make(`PUT /allocations/${id(50)}`, allocation({ 1: { VCPU: 2 } }))
  return cloud
}
const now = 4

const rows: [version: number, route: string, body: unknown, status: number, told: unknown][] = [
  [
    39,
    `GET ${inventories}`,
    undefined,
    200,
    at(now, { inventories: { VCPU: { total: 8, ...whole }, MEMORY_MB: { total: 1024, ...whole } } }),
  ],
  [39, `GET ${inventories}/VCPU`, undefined, 200, at(now, { total: 8, ...whole })],
  [39, `GET ${inventories}/DISK_GB`, undefined, 404, 'No inventory of class DISK_GB for'],
  [39, `POST ${inventories}`, { resource_class: 'DISK_GB', total: 5 }, 201, at(now + 1, { total: 5, ...whole })],
  [39, `POST ${inventories}`, { resource_class: 'VCPU', total: 5 }, 409, 'placement.concurrent_update'],
  [39, `POST ${inventories}`, { resource_class: 'CUSTOM_NONE', total: 5 }, 400, 'No such resource class CUSTOM_NONE.'],
  [39, `POST ${inventories}`, { resource_class: 'DISK_GB', total: 0 }, 400, '0 is less than the minimum of 1'],
  [25, `POST ${inventories}`, { resource_class: 'DISK_GB', total: 5, reserved: 5 }, 400, 'greater than or equal to total'],
  [26, `POST ${inventories}`, { resource_class: 'DISK_GB', total: 5, reserved: 5 }, 201, expect.anything()],
  [26, `POST ${inventories}`, { resource_class: 'DISK_GB', total: 5, reserved: 6 }, 400, 'reserved value is greater than total'],
  [39, `PUT ${inventories}/VCPU`, at(now, { total: 4 }), 200, at(now + 1, { total: 4, ...whole })],
  [39, `PUT ${inventories}/VCPU`, at(now - 1, { total: 4 }), 409, 'resource provider generation conflict'],
  [39, `PUT ${inventories}/DISK_GB`, at(now, { total: 4 }), 400, 'No inventory of class DISK_GB found.'],
  [
    39,
    `PUT ${inventories}`,
    at(now, { inventories: { VCPU: { total: 1 } } }),
    200,
    at(now + 1, { inventories: { VCPU: { total: 1, ...whole } } }),
  ],
  [39, `PUT ${inventories}`, at(now, { inventories: {} }), 409, 'placement.inventory.inuse'],
  [39, `PUT ${inventories}`, at(now + 1, { inventories: { VCPU: { total: 1 } } }), 409, 'placement.concurrent_update'],
  [39, `PUT ${inventories}`, at(now, { inventories: { CUSTOM_NONE: { total: 1 } } }), 400, 'Unknown resource class'],
  [39, `DELETE ${inventories}`, undefined, 409, `Inventory for 'VCPU' on resource provider '${id(1)}' in use.`],
  [39, `DELETE ${inventories}/VCPU`, undefined, 409, 'in use.'],
  [39, `DELETE ${inventories}/MEMORY_MB`, undefined, 204, ''],
  [39, `DELETE ${inventories}/DISK_GB`, undefined, 404, 'found for delete'],
  [39, `GET ${path}/usages`, undefined, 200, at(now, { usages: { VCPU: 2, MEMORY_MB: 0 } })],
  [1, `PUT ${path}/aggregates`, [id(7)], 200, { aggregates: [id(7)] }],
  [19, `PUT ${path}/aggregates`, at(now, { aggregates: [id(7)] }), 200, at(now + 1, { aggregates: [id(7)] })],
  [19, `PUT ${path}/aggregates`, at(0, { aggregates: [id(7)] }), 409, 'generation already changed'],
  [19, `PUT ${path}/aggregates`, at(now, { aggregates: ['x'] }), 400, "'x' is not a 'uuid'"],
  [39, `GET ${path}/traits`, undefined, 200, at(now, { traits: ['HW_CPU_X86_AVX'] })],
  [39, `PUT ${path}/traits`, at(now, { traits: ['HW_CPU_X86_AVX'] }), 200, at(now, { traits: ['HW_CPU_X86_AVX'] })],
  [39, `PUT ${path}/traits`, at(now, { traits: ['HW_CPU_X86_AVX2'] }), 200, at(now + 1, { traits: ['HW_CPU_X86_AVX2'] })],
  [39, `PUT ${path}/traits`, at(0, { traits: [] }), 409, 'placement.concurrent_update'],
  [39, `PUT ${path}/traits`, at(now, { traits: ['CUSTOM_NONE'] }), 400, 'No such trait CUSTOM_NONE'],
  [39, `DELETE ${path}/traits`, undefined, 204, ''],
]
for (const [version, route, body, status, told] of rows)
  test(`1.${version} ${route} ${JSON.stringify(body) ?? ''} → ${status}`, async () => {
    const answer = await (await cloudOf()).call('admin', version, route, body)
    expect(answer.status).toBe(status)
    if (typeof told === 'string') expect(JSON.stringify(answer.body)).toContain(told)
    else expect(answer.body).toEqual(told)
  })

const names: [version: number, route: string, body: unknown, status: number, told?: string][] = [
  [39, 'PUT /traits/CUSTOM_A', undefined, 201],
  [39, 'PUT /traits/CUSTOM_HELD', undefined, 204],
  [39, 'PUT /traits/HELD', undefined, 400, 'The trait is invalid.'],
  [39, 'GET /traits/CUSTOM_HELD', undefined, 204],
  [39, 'GET /traits/CUSTOM_A', undefined, 404, 'No such trait(s): CUSTOM_A.'],
  [39, 'DELETE /traits/CUSTOM_HELD', undefined, 409, 'is in use by a resource provider'],
  [39, 'DELETE /traits/CUSTOM_FREE', undefined, 204],
  [39, 'DELETE /traits/HW_CPU_X86_AVX', undefined, 400, 'Cannot delete standard trait'],
  [39, 'GET /traits?name=startswith:CUSTOM_', undefined, 200, '["CUSTOM_FREE","CUSTOM_HELD"]'],
  [39, 'GET /traits?name=in:CUSTOM_FREE,COMPUTE_NODE', undefined, 200, '["COMPUTE_NODE","CUSTOM_FREE"]'],
  [39, 'GET /traits?associated=true', undefined, 200, '["CUSTOM_HELD"]'],
  [39, 'GET /traits?associated=yes', undefined, 400, 'only accepts'],
  [39, 'GET /traits?name=CUSTOM_', undefined, 400, 'Badly formatted name parameter'],
  [39, 'PUT /resource_classes/CUSTOM_A', undefined, 201],
  [39, 'PUT /resource_classes/CUSTOM_HELD', undefined, 204],
  [39, 'PUT /resource_classes/HELD', undefined, 400, 'does not match'],
  [6, 'PUT /resource_classes/CUSTOM_HELD', { name: 'CUSTOM_NEW' }, 200, '"CUSTOM_NEW"'],
  [6, 'PUT /resource_classes/VCPU', { name: 'CUSTOM_NEW' }, 400, 'Cannot update standard resource class VCPU'],
  [39, 'POST /resource_classes', { name: 'CUSTOM_HELD' }, 409, 'already exists: CUSTOM_HELD'],
  [39, 'POST /resource_classes', { name: 'CUSTOM_A' }, 201],
  [39, 'DELETE /resource_classes/CUSTOM_HELD', undefined, 409, 'Class is in use in inventory.'],
  [39, 'DELETE /resource_classes/CUSTOM_FREE', undefined, 204],
  [39, 'DELETE /resource_classes/VCPU', undefined, 400, 'Cannot delete standard resource class VCPU.'],
  [39, 'GET /resource_classes/CUSTOM_FREE', undefined, 200, '"href":"/resource_classes/CUSTOM_FREE"'],
  [39, 'GET /resource_classes/CUSTOM_A', undefined, 404, 'No such resource class CUSTOM_A.'],
]
for (const [version, route, body, status, told = ''] of names)
  test(`1.${version} ${route} → ${status}`, async () => {
    const cloud = testPlacement()
    for (const name of ['CUSTOM_HELD', 'CUSTOM_FREE']) {
      await cloud.make(`PUT /traits/${name}`)
      await cloud.make(`PUT /resource_classes/${name}`)
    }
    await provider(cloud, 1, { has: { CUSTOM_HELD: 1 }, traits: ['CUSTOM_HELD'] })
    const answer = await cloud.call('admin', version, route, body)
    expect(answer.status).toBe(status)
    expect(JSON.stringify(answer.body)).toContain(told)
  })

test('a class that gets another name has it in inventories and allocations', async () => {
  const cloud = testPlacement()
  await cloud.make('PUT /resource_classes/CUSTOM_A')
  await provider(cloud, 1, { has: { CUSTOM_A: 3 } })
  await cloud.make(`PUT /allocations/${id(50)}`, allocation({ 1: { CUSTOM_A: 2 } }))
  await cloud.call('admin', 6, 'PUT /resource_classes/CUSTOM_A', { name: 'CUSTOM_B' })
  expect((await cloud.make(`GET ${path}/usages`)).usages).toEqual({ CUSTOM_B: 2 })
})
