import { expect, test } from 'vitest'
import { type Json, nowhere, type Person, place, testCloud } from './fixture.ts'

test('the first look makes the default group with its four rules, once', async () => {
  const cloud = testCloud()
  const list = async () => (await cloud.call('ann', 'GET /v2.0/security-groups')).body.security_groups
  const [group, ...others] = await list()
  expect(others).toEqual([])
  expect(group).toMatchObject({
    name: 'default',
    description: 'Default security group',
    stateful: true,
    shared: false,
    project_id: 'one',
    revision_number: 1,
  })
  const lines = group.security_group_rules.map(
    (rule: Json) => `${rule.direction} ${rule.ethertype} ${rule.remote_group_id === group.id ? 'own' : rule.remote_group_id}`,
  )
  expect(lines.sort()).toEqual(['egress IPv4 null', 'egress IPv6 null', 'ingress IPv4 own', 'ingress IPv6 own'])
  expect(group.security_group_rules[0]).toMatchObject({
    belongs_to_default_sg: true,
    description: null,
    protocol: null,
    normalized_cidr: null,
  })
  expect((await list())[0].id).toBe(group.id)
})

test('an own group starts with what goes out', async () => {
  const cloud = testCloud()
  const group = await cloud.make('ann', 'POST /v2.0/security-groups', { security_group: { name: 'g', stateful: false } })
  expect(group).toMatchObject({ name: 'g', stateful: false })
  expect(group.security_group_rules.map((rule: Json) => `${rule.direction} ${rule.ethertype}`)).toEqual(['egress IPv4', 'egress IPv6'])
})

const groups: [who: Person, route: string, body: unknown, outcome: string][] = [
  ['ann', 'POST ', { name: 'default' }, '409 SecurityGroupDefaultAlreadyExists'],
  ['ann', 'POST ', { name: 'DEFAULT' }, '409 SecurityGroupDefaultAlreadyExists'],
  ['ann', 'POST ', { name: 1 }, '400 HTTPBadRequest'],
  ['ann', 'POST ', { name: 'x', description: 'd'.repeat(256) }, '400 HTTPBadRequest'],
  ['rita', 'POST ', { name: 'x' }, '403 PolicyNotAuthorized'],
  ['bob', 'GET /:group', undefined, '404 SecurityGroupNotFound'],
  ['ann', `GET /${nowhere}`, undefined, '404 SecurityGroupNotFound'],
  ['bob', 'PUT /:group', { name: 'x' }, '404 SecurityGroupNotFound'],
  ['ann', 'PUT /:group', { name: 'x', stateful: false }, '200'],
  ['ann', 'PUT /:group', { name: 'default' }, '409 SecurityGroupDefaultAlreadyExists'],
  ['ann', 'PUT /:default', { name: 'x' }, '409 SecurityGroupCannotUpdateDefault'],
  ['ann', 'PUT /:default', { description: 'x' }, '200'],
  ['ann', 'DELETE /:default', undefined, '409 SecurityGroupCannotRemoveDefault'],
  ['admin', 'DELETE /:default', undefined, '204'],
  ['ann', 'DELETE /:group', undefined, '204'],
  ['ann', 'PUT /:used', { stateful: false }, '409 SecurityGroupInUse'],
  ['ann', 'DELETE /:used', undefined, '409 SecurityGroupInUse'],
]
for (const [who, route, body, outcome] of groups)
  test(`${who} ${route} ${JSON.stringify(body)?.slice(0, 50)} → ${outcome}`, async () => {
    const cloud = testCloud()
    const make = async (name: string): Promise<string> =>
      (await cloud.make('ann', 'POST /v2.0/security-groups', { security_group: { name } })).id
    const ids: Record<string, string> = { group: await make('group'), used: await make('used') }
    ids.default = (await cloud.call('ann', 'GET /v2.0/security-groups?name=default')).body.security_groups[0].id
    await (await place(cloud)).port({ security_groups: [ids.used] })
    const [method, path] = route.split(' ') as [string, string]
    const full = `${method} /v2.0/security-groups${path.replace(/:(\w+)/, (_, name: string) => ids[name]!)}`
    expect(await cloud.outcome(who, full, body && { security_group: body })).toBe(outcome)
  })

const tcp = (port_range_min: unknown, port_range_max: unknown) => ({ protocol: 'tcp', port_range_min, port_range_max })

const refused: [rule: Record<string, unknown>, status: number, message: string | RegExp][] = [
  [{ direction: 'x' }, 400, 'Invalid input for direction. Reason: x is not in valid_values.'],
  [{ direction: undefined }, 400, "Failed to parse request. Required attribute 'direction' not specified"],
  [{ security_group_id: nowhere }, 404, `Security group ${nowhere} does not exist`],
  [{ port_range_min: 80, port_range_max: 80 }, 400, 'Must also specify protocol if port range is given.'],
  [tcp(80, undefined), 400, 'For TCP/UDP protocols, port_range_min must be <= port_range_max'],
  [tcp(90, 80), 400, 'For TCP/UDP protocols, port_range_min must be <= port_range_max'],
  [tcp(65_536, 65_536), 400, 'Invalid value for port 65536'],
  [tcp('x', 1), 400, 'Invalid value for port x'],
  [tcp(0, 80), 400, 'Invalid value for port 0'],
  [
    { protocol: 'bogus' },
    400,
    /^Security group rule protocol bogus not supported\. Only protocol values \(None, 'any', 'ah', .*'vrrp'\) and integer/,
  ],
  [{ protocol: 256 }, 400, /^Security group rule protocol 256 not supported/],
  [{ protocol: 'icmp', port_range_min: 256 }, 400, 'Invalid value for ICMP type (port_range_min) 256. It must be 0 to 255.'],
  [{ protocol: 'icmp', port_range_max: 3 }, 400, 'ICMP code (port-range-max) 3 is provided but ICMP type (port-range-min) is missing.'],
  [
    { protocol: 'gre', port_range_min: 1, port_range_max: 2 },
    400,
    'Ports cannot be specified for protocol 47. Ports are only supported for DCCP, SCTP, TCP, UDP, UDPLITE.',
  ],
  [{ protocol: 'ipv6-icmp' }, 400, 'Invalid ethertype IPv4 for protocol ipv6-icmp.'],
  [{ ethertype: 'IPv5' }, 400, "Security group rule for ethertype 'IPv5' not supported. Allowed values are ['IPv4', 'IPv6']."],
  [{ ethertype: 'IPv6', remote_ip_prefix: '10.0.0.0/8' }, 400, 'Conflicting value ethertype IPv6 for CIDR 10.0.0.0/8'],
  [{ remote_ip_prefix: 'x' }, 400, 'Invalid CIDR x given as IP prefix.'],
  [
    { remote_ip_prefix: '10.0.0.0/8', remote_group_id: nowhere },
    400,
    'Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.',
  ],
  [{ remote_group_id: nowhere }, 404, `Security group ${nowhere} does not exist`],
  [{ remote_address_group_id: nowhere }, 404, `Address group ${nowhere} could not be found.`],
  [{ direction: 'egress' }, 409, /^Security group rule already exists\. Rule id is 0000/],
]
for (const [rule, status, message] of refused)
  test(`rule ${JSON.stringify(rule)} → ${status}`, async () => {
    const cloud = testCloud()
    const { id } = await cloud.make('ann', 'POST /v2.0/security-groups', { security_group: { name: 'g' } })
    const body = { security_group_rule: { security_group_id: id, direction: 'ingress', ...rule } }
    const answer = await cloud.call('ann', 'POST /v2.0/security-group-rules', body)
    expect(answer.status).toBe(status)
    expect(answer.body.NeutronError.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message))
  })

const kept: [rule: object, shown: object][] = [
  [
    { protocol: 'TCP', port_range_min: '80', port_range_max: '81' },
    { protocol: 'tcp', port_range_min: 80, port_range_max: 81 },
  ],
  [{ protocol: 6 }, { protocol: '6' }],
  [{ protocol: 'any' }, { protocol: null }],
  [
    { protocol: 'icmp', port_range_min: 255, port_range_max: 0 },
    { port_range_min: 255, port_range_max: 0 },
  ],
  [
    { protocol: 'icmp', ethertype: 'ipv6' },
    { protocol: 'ipv6-icmp', ethertype: 'IPv6' },
  ],
  [
    { protocol: 'udp', port_range_min: 1, port_range_max: 65_535 },
    { port_range_min: null, port_range_max: null },
  ],
  [{ remote_ip_prefix: '10.1.2.3' }, { remote_ip_prefix: '10.1.2.3/32', normalized_cidr: '10.1.2.3/32' }],
  [{ remote_ip_prefix: '10.1.2.3/24' }, { remote_ip_prefix: '10.1.2.3/24', normalized_cidr: '10.1.2.0/24' }],
]
for (const [rule, shown] of kept)
  test(`rule ${JSON.stringify(rule)} is kept as ${JSON.stringify(shown)}`, async () => {
    const cloud = testCloud()
    const { id } = await cloud.make('ann', 'POST /v2.0/security-groups', { security_group: { name: 'g' } })
    const body = { security_group_rule: { security_group_id: id, direction: 'ingress', ...rule } }
    expect(await cloud.make('ann', 'POST /v2.0/security-group-rules', body)).toMatchObject({ ...shown, belongs_to_default_sg: false })
  })

test('rules that say the same are refused, however they spell it', async () => {
  const cloud = testCloud()
  const { id } = await cloud.make('ann', 'POST /v2.0/security-groups', { security_group: { name: 'g' } })
  const rule = (values: object) => ({ security_group_id: id, direction: 'ingress', ...values })
  const add = (values: object) => cloud.outcome('ann', 'POST /v2.0/security-group-rules', { security_group_rule: rule(values) })
  expect(await add({ ...tcp(22, 22), remote_ip_prefix: '0.0.0.0/0' })).toBe('201')
  expect(await add(tcp(22, 22))).toBe('409 SecurityGroupRuleExists')
  expect(await add({ ...tcp(22, 22), protocol: 6 })).toBe('409 SecurityGroupRuleExists')
  expect(await add(tcp(22, 23))).toBe('201')
  const many = (...rules: object[]) => cloud.outcome('ann', 'POST /v2.0/security-group-rules', { security_group_rules: rules.map(rule) })
  expect(await many(tcp(1, 2), tcp(1, 2))).toBe('409 DuplicateSecurityGroupRuleInPost')
  expect(await many(tcp(1, 2), { security_group_id: id, direction: 'egress', ...tcp(1, 2) })).toBe('201')
  const { body } = await cloud.call('ann', `GET /v2.0/security-groups/${id}`)
  expect([body.security_group.security_group_rules.length, body.security_group.revision_number]).toEqual([6, 5])
})

test('rules belong to who owns the group', async () => {
  const cloud = testCloud()
  const { id } = await cloud.make('ann', 'POST /v2.0/security-groups', { security_group: { name: 'g' } })
  const body = { security_group_rule: { security_group_id: id, direction: 'ingress' } }
  expect(await cloud.outcome('bob', 'POST /v2.0/security-group-rules', body)).toBe('403 PolicyNotAuthorized')
  const rule = await cloud.make('ann', 'POST /v2.0/security-group-rules', body)
  expect(await cloud.outcome('bob', `GET /v2.0/security-group-rules/${rule.id}`)).toBe('404 HTTPNotFound')
  expect(await cloud.outcome('bob', `DELETE /v2.0/security-group-rules/${rule.id}`)).toBe('404 HTTPNotFound')
  expect(await cloud.outcome('rita', `DELETE /v2.0/security-group-rules/${rule.id}`)).toBe('403 PolicyNotAuthorized')
  expect((await cloud.call('bob', `GET /v2.0/security-group-rules?security_group_id=${id}`)).body.security_group_rules).toEqual([])
  expect(await cloud.outcome('ann', `DELETE /v2.0/security-group-rules/${rule.id}`)).toBe('204')
  expect(await cloud.outcome('ann', `DELETE /v2.0/security-group-rules/${rule.id}`)).toBe('404 SecurityGroupRuleNotFound')
})

test('the rules of new groups follow their templates', async () => {
  const cloud = testCloud()
  const template = { direction: 'ingress', protocol: 'icmp', used_in_default_sg: false, used_in_non_default_sg: true }
  const route = 'POST /v2.0/default-security-group-rules'
  expect(await cloud.outcome('ann', route, { default_security_group_rule: template })).toBe('403 PolicyNotAuthorized')
  const { id } = await cloud.make('admin', route, { default_security_group_rule: template })
  expect(await cloud.outcome('admin', route, { default_security_group_rule: template })).toBe('409 DefaultSecurityGroupRuleExists')
  const protocols = async () =>
    (await cloud.make('ann', 'POST /v2.0/security-groups', { security_group: { name: 'g' } })).security_group_rules.map(
      (rule: Json) => rule.protocol,
    )
  expect(await protocols()).toEqual([null, null, 'icmp'])
  expect(await cloud.outcome('admin', `DELETE /v2.0/default-security-group-rules/${id}`)).toBe('204')
  expect(await protocols()).toEqual([null, null])
})

test('address groups are named by rules, and stay while they are', async () => {
  const cloud = testCloud()
  const group = await cloud.make('ann', 'POST /v2.0/address-groups', { address_group: { name: 'a', addresses: ['10.0.0.0/24'] } })
  const change = (verb: string, addresses: unknown) =>
    cloud.call('ann', `PUT /v2.0/address-groups/${group.id}/${verb}_addresses`, { addresses })
  expect((await change('add', ['10.0.1.0/24'])).body.address_group.addresses).toEqual(['10.0.0.0/24', '10.0.1.0/24'])
  expect((await change('add', ['10.0.1.0/24'])).body.NeutronError.message).toBe(
    `Addresses ['10.0.1.0/24'] already exist in the address group ${group.id}.`,
  )
  expect((await change('remove', ['10.0.1.0/24'])).body.address_group.addresses).toEqual(['10.0.0.0/24'])
  expect((await change('remove', ['10.0.1.0/24'])).status).toBe(404)
  expect((await change('add', 'x')).status).toBe(400)
  const { id } = await cloud.make('ann', 'POST /v2.0/security-groups', { security_group: { name: 'g' } })
  const rule = { security_group_id: id, direction: 'ingress', remote_address_group_id: group.id }
  const made = await cloud.make('ann', 'POST /v2.0/security-group-rules', { security_group_rule: rule })
  expect(await cloud.outcome('ann', `DELETE /v2.0/address-groups/${group.id}`)).toBe('409 AddressGroupInUse')
  await cloud.call('ann', `DELETE /v2.0/security-group-rules/${made.id}`)
  expect(await cloud.outcome('ann', `DELETE /v2.0/address-groups/${group.id}`)).toBe('204')
})

test('a port has stateful groups or stateless ones, and groups of its own project', async () => {
  const cloud = testCloud()
  const { networkId } = await place(cloud)
  const make = async (who: Person, values: object): Promise<string> =>
    (await cloud.make(who, 'POST /v2.0/security-groups', { security_group: values })).id
  const [plain, stateless, foreign] = [
    await make('ann', { name: 'a' }),
    await make('ann', { name: 'b', stateful: false }),
    await make('bob', { name: 'c' }),
  ]
  const port = (...security_groups: string[]) =>
    cloud.outcome('ann', 'POST /v2.0/ports', { port: { network_id: networkId, security_groups } })
  expect([await port(plain), await port(stateless), await port(plain, stateless), await port(foreign)]).toEqual([
    '201',
    '201',
    '409 SecurityGroupConflict',
    '404 SecurityGroupNotFound',
  ])
})
