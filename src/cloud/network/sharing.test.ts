import { expect, test } from 'vitest'
import { nowhere, type Person, place, testCloud } from './fixture.ts'

/** ann's network and group, which bob may come to see. */
async function owned() {
  const cloud = testCloud()
  const inside = await place(cloud)
  const { id: groupId } = await cloud.make('ann', 'POST /v2.0/security-groups', { security_group: { name: 'g' } })
  const policy = (values: object) => ({
    rbac_policy: { object_type: 'network', object_id: inside.networkId, action: 'access_as_shared', target_tenant: 'two', ...values },
  })
  return { cloud, inside, groupId, policy }
}

const refused: [who: Person, values: Record<string, unknown>, outcome: string][] = [
  ['ann', { object_type: 'bogus' }, '400 InvalidInput'],
  ['ann', { object_id: nowhere }, '400 InvalidInput'],
  ['ann', { action: 'bogus' }, '400 InvalidActionForType'],
  ['ann', { target_tenant: '*' }, '403 PolicyNotAuthorized'],
  ['ann', { target_tenant: undefined }, '400 HTTPBadRequest'],
  ['bob', {}, '400 InvalidInput'],
  ['rita', {}, '403 PolicyNotAuthorized'],
  ['admin', { target_tenant: '*' }, '201'],
]
for (const [who, values, outcome] of refused)
  test(`${who} shares ${JSON.stringify(values)} → ${outcome}`, async () => {
    const { cloud, policy } = await owned()
    expect(await cloud.outcome(who, 'POST /v2.0/rbac-policies', policy(values))).toBe(outcome)
  })

test('a policy shows a network and its subnets to one project, and stays while they are used', async () => {
  const { cloud, inside, policy } = await owned()
  const see = async (who: Person) => {
    const { status, body } = await cloud.call(who, `GET /v2.0/networks/${inside.networkId}`)
    return [status, body.network?.shared]
  }
  expect(await see('bob')).toEqual([404, undefined])
  const { id } = await cloud.make('ann', 'POST /v2.0/rbac-policies', policy({}))
  expect(await cloud.outcome('ann', 'POST /v2.0/rbac-policies', policy({}))).toBe('409 DuplicateRbacPolicy')
  expect([await see('bob'), await see('ann')]).toEqual([
    [200, true],
    [200, false],
  ])
  expect(await cloud.outcome('bob', `GET /v2.0/subnets/${inside.subnetId}`)).toBe('200')
  expect(await cloud.outcome('bob', `GET /v2.0/rbac-policies/${id}`)).toBe('404 RbacPolicyNotFound')
  const port = await inside.port({}, 'bob')
  expect(await cloud.outcome('ann', `DELETE /v2.0/rbac-policies/${id}`)).toBe('409 RbacPolicyInUse')
  expect(await cloud.outcome('admin', `PUT /v2.0/rbac-policies/${id}`, { rbac_policy: { target_tenant: 'three' } })).toBe(
    '409 RbacPolicyInUse',
  )
  await cloud.call('bob', `DELETE /v2.0/ports/${port.id}`)
  expect(await cloud.outcome('ann', `DELETE /v2.0/rbac-policies/${id}`)).toBe('204')
  expect(await see('bob')).toEqual([404, undefined])
})

test('shared is the policy for all, and is not taken back while others are there', async () => {
  const { cloud, inside } = await owned()
  const share = (shared: boolean) => cloud.outcome('admin', `PUT /v2.0/networks/${inside.networkId}`, { network: { shared } })
  expect(await share(true)).toBe('200')
  const { body } = await cloud.call('admin', `GET /v2.0/rbac-policies?object_id=${inside.networkId}`)
  expect(body.rbac_policies).toMatchObject([{ action: 'access_as_shared', target_tenant: '*', object_type: 'network', project_id: 'one' }])
  const port = await inside.port({}, 'bob')
  expect(await share(false)).toBe('409 InvalidSharedSetting')
  await cloud.call('bob', `DELETE /v2.0/ports/${port.id}`)
  expect(await share(false)).toBe('200')
  expect((await cloud.call('admin', 'GET /v2.0/rbac-policies')).body.rbac_policies).toEqual([])
})

test('a shared security group may be used and not changed', async () => {
  const { cloud, inside, groupId, policy } = await owned()
  await cloud.call('admin', `PUT /v2.0/networks/${inside.networkId}`, { network: { shared: true } })
  await cloud.make('ann', 'POST /v2.0/rbac-policies', policy({ object_type: 'security_group', object_id: groupId }))
  expect((await cloud.call('bob', 'GET /v2.0/security-groups?shared=True&fields=name')).body.security_groups).toEqual([{ name: 'g' }])
  expect((await inside.port({ security_groups: [groupId] }, 'bob')).security_groups).toEqual([groupId])
  expect(await cloud.outcome('bob', `PUT /v2.0/security-groups/${groupId}`, { security_group: { name: 'x' } })).toBe(
    '403 PolicyNotAuthorized',
  )
})

test('pools and scopes may be shared by administrators', async () => {
  const { cloud } = await owned()
  const pool = { subnetpool: { name: 'p', prefixes: ['10.64.0.0/16'], shared: true, is_default: true } }
  expect(await cloud.outcome('ann', 'POST /v2.0/subnetpools', pool)).toBe('403 PolicyNotAuthorized')
  const { id } = await cloud.make('admin', 'POST /v2.0/subnetpools', pool)
  expect(await cloud.outcome('admin', 'POST /v2.0/subnetpools', pool)).toBe('400 InvalidInput')
  expect((await cloud.call('bob', `GET /v2.0/subnetpools/${id}`)).body.subnetpool).toMatchObject({ shared: true, is_default: true })
  expect(await cloud.outcome('bob', `DELETE /v2.0/subnetpools/${id}`)).toBe('403 PolicyNotAuthorized')
  const scope = await cloud.make('admin', 'POST /v2.0/address-scopes', { address_scope: { name: 's', ip_version: 4, shared: true } })
  expect(await cloud.outcome('admin', `PUT /v2.0/address-scopes/${scope.id}`, { address_scope: { shared: false } })).toBe(
    '400 AddressScopeUpdateError',
  )
})
