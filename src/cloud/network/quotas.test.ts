import { expect, test } from 'vitest'
import { type Person, place, testCloud } from './fixture.ts'

const defaults = {
  network: 100,
  subnet: 100,
  subnetpool: -1,
  port: 500,
  router: 10,
  floatingip: 50,
  rbac_policy: 10,
  security_group: 10,
  security_group_rule: 100,
}

const rows: [who: Person, route: string, quota: unknown, outcome: string][] = [
  ['ann', 'GET /v2.0/quotas', undefined, '403 PolicyNotAuthorized'],
  ['admin', 'GET /v2.0/quotas', undefined, '200'],
  ['rita', 'GET /v2.0/quotas/one', undefined, '200'],
  ['ann', 'GET /v2.0/quotas/two', undefined, '403 PolicyNotAuthorized'],
  ['ann', 'GET /v2.0/quotas/two/default', undefined, '403 PolicyNotAuthorized'],
  ['ann', 'GET /v2.0/quotas/two/details.json', undefined, '403 AdminRequired'],
  ['ann', 'PUT /v2.0/quotas/one', { network: 1 }, '403 PolicyNotAuthorized'],
  ['ann', 'DELETE /v2.0/quotas/one', undefined, '403 PolicyNotAuthorized'],
  ['admin', 'PUT /v2.0/quotas/one', { network: 'x' }, '400 InvalidInput'],
  ['admin', 'PUT /v2.0/quotas/one', { bogus: 1 }, '400 HTTPBadRequest'],
  ['admin', 'PUT /v2.0/quotas/one', { network: -2 }, '400 HTTPBadRequest'],
  ['admin', 'PUT /v2.0/quotas/one', { network: 0 }, '400 HTTPBadRequest'],
  ['admin', 'PUT /v2.0/quotas/one', { network: 0, force: true }, '200'],
  ['admin', 'PUT /v2.0/quotas/one', { network: '1', check_limit: true }, '200'],
  ['admin', 'DELETE /v2.0/quotas/one', undefined, '404 TenantQuotaNotFound'],
]
for (const [who, route, quota, outcome] of rows)
  test(`${who} ${route} ${JSON.stringify(quota)} → ${outcome}`, async () => {
    const cloud = testCloud()
    await place(cloud)
    expect(await cloud.outcome(who, route, quota && { quota })).toBe(outcome)
  })

test('limits are set, shown with what is used, and forgotten', async () => {
  const cloud = testCloud()
  const { port } = await place(cloud)
  await port()
  const get = async (route: string) => (await cloud.call('ann', `GET /v2.0/quotas/one${route}`)).body.quota
  expect(await get('')).toEqual(defaults)
  await cloud.call('admin', 'PUT /v2.0/quotas/one', { quota: { port: 7 } })
  await cloud.call('admin', 'PUT /v2.0/quotas/one', { quota: { router: -1 } })
  expect(await get('')).toEqual({ ...defaults, port: 7, router: -1 })
  expect(await get('/default')).toEqual(defaults)
  expect((await cloud.call('admin', 'GET /v2.0/quotas')).body.quotas).toEqual([
    { ...defaults, port: 7, router: -1, project_id: 'one', tenant_id: 'one' },
  ])
  expect(await get('/details.json')).toMatchObject({
    port: { limit: 7, used: 1, reserved: 0 },
    network: { limit: 100, used: 1, reserved: 0 },
    security_group_rule: { limit: 100, used: 4, reserved: 0 },
  })
  expect(await cloud.outcome('admin', 'DELETE /v2.0/quotas/one')).toBe('204')
  expect(await get('')).toEqual(defaults)
  expect((await cloud.call('ann', 'GET /v2.0/quotas/tenant')).body).toEqual({ tenant: { tenant_id: 'one' } })
})

test('the last one fits and the next does not, also not as one of many; others have limits of their own', async () => {
  const cloud = testCloud()
  await cloud.call('admin', 'PUT /v2.0/quotas/one', { quota: { network: 2, security_group_rule: 6 } })
  const make = (who: Person, count: number) => cloud.call(who, 'POST /v2.0/networks', { networks: Array(count).fill({ name: 'n' }) })
  expect((await make('ann', 3)).body.NeutronError).toEqual({
    type: 'OverQuota',
    message: "Quota exceeded for resources: ['network'].",
    detail: '',
  })
  expect([
    (await make('ann', 1)).status,
    (await make('ann', 1)).status,
    (await make('ann', 1)).status,
    (await make('bob', 3)).status,
  ]).toEqual([201, 201, 409, 201])
  // Four rules of the default group and two of a first one; a second would not have room for its own.
  const group = { security_group: { name: 'g' } }
  expect(await cloud.outcome('ann', 'POST /v2.0/security-groups', group)).toBe('201')
  expect(await cloud.outcome('ann', 'POST /v2.0/security-groups', group)).toBe('409 OverQuota')
  expect((await cloud.call('ann', 'GET /v2.0/security-groups?name=g')).body.security_groups).toHaveLength(1)
})
