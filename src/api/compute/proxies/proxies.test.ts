import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Called, projectOf, type TestApi, testApi } from '../../../../tests/support/compute-api.ts'
import { type StandIns, standIns } from '../../../../tests/support/stand-ins.ts'
import type { Ironic } from '../../../peers/ironic.ts'

const nobody = '99999999-9999-4999-8999-999999999999'
const node = { uuid: nobody, provision_state: 'available', instance_uuid: nobody, properties: { cpus: 8, memory_mb: '4096' } }
const ironic: Ironic = {
  configured: true,
  nodes: async () => [node],
  node: async (id) => (id === nobody ? node : undefined),
  addresses: async () => ['52:54:00:00:00:01'],
}

let services: StandIns
let api: TestApi
let networkId: string
let publicId: string
const imageIds: string[] = []

beforeAll(async () => {
  services = standIns()
  api = await testApi({ peers: { ...services.peers, ironic } })
  const { own } = services.peers.neutron
  networkId = (await own.create('networks', { name: 'shared', shared: true })).id
  publicId = (await own.create('networks', { name: 'public', 'router:external': true })).id
  await own.create('subnets', { network_id: publicId, cidr: '192.0.2.0/29', ip_version: 4 })
  const glance = services.peers.glance.as({ token: 'token-of-member' } as never)
  for (const name of ['one', 'two', 'three']) {
    const { id } = await glance.create({
      name,
      disk_format: 'raw',
      container_format: 'bare',
      min_ram: 64,
      os_type: 'linux',
      auto_disk_config: 'False',
    })
    if (name !== 'three') await glance.upload(id, Buffer.from(name))
    imageIds.push(id)
  }
})
afterAll(async () => {
  expect(api.errors).toEqual([])
  await api.close()
  services.close()
})

const member = { as: 'member' } as const
const call = (version: string, route: string, body?: unknown, options: Parameters<TestApi['call']>[3] = member) =>
  api.call(version, route, body, options)
const message = ({ body }: Called): string => (Object.values(body)[0] as { message: string }).message

describe('all of them are gone from 2.36 on', () => {
  for (const [route, last] of [
    ['GET /images', '2.35'],
    ['GET /os-networks', '2.35'],
    ['GET /os-floating-ips', '2.35'],
    ['GET /os-security-groups', '2.35'],
    ['GET /os-volumes', '2.35'],
    ['GET /os-snapshots', '2.35'],
    ['GET /images/IMAGE/metadata', '2.38'],
  ] as const)
    test(route, async () => {
      const at = route.replace('IMAGE', imageIds[0]!)
      expect((await call(last, at)).status).toBe(200)
      expect((await call(`2.${Number(last.slice(2)) + 1}`, at)).status).toBe(404)
    })
})

describe('networks', () => {
  test('have lost what they had but their name', async () => {
    const { body } = await call('2.1', `GET /os-networks/${networkId}`)
    expect(body.network).toMatchObject({ id: networkId, label: 'shared', cidr: null })
    expect(body.network).not.toHaveProperty('vlan')
    expect((await call('2.1', `GET /os-networks/${networkId}`, undefined, { as: 'admin' })).body.network).toMatchObject({ vlan: null })
    expect((await call('2.1', 'GET /os-networks')).body.networks.map(({ label }: { label: string }) => label)).toEqual(
      expect.arrayContaining(['shared', 'public']),
    )
  })

  test('of projects say that they have no CIDR as a text', async () => {
    expect((await call('2.1', `GET /os-tenant-networks/${networkId}`)).body).toEqual({
      network: { id: networkId, cidr: 'None', label: 'shared' },
    })
    expect((await call('2.1', 'GET /os-tenant-networks')).body.networks).toContainEqual({ id: networkId, cidr: 'None', label: 'shared' })
  })

  test('that are not there', async () => {
    for (const at of ['os-networks', 'os-tenant-networks']) {
      const answer = await call('2.1', `GET /${at}/${nobody}`)
      expect([answer.status, message(answer)]).toEqual([404, 'Network not found'])
    }
  })
})

describe('floating addresses', () => {
  test('come from a pool, are seen by their project, and go back', async () => {
    expect((await call('2.1', 'GET /os-floating-ip-pools')).body).toEqual({ floating_ip_pools: [{ name: 'public' }] })
    const { body } = await call('2.1', 'POST /os-floating-ips', { pool: 'public' })
    const { id } = body.floating_ip
    expect(body.floating_ip).toMatchObject({ pool: 'public', instance_id: null, fixed_ip: null })
    expect((await call('2.1', 'GET /os-floating-ips')).body).toEqual({ floating_ips: [body.floating_ip] })
    expect((await call('2.1', `GET /os-floating-ips/${id}`)).body).toEqual(body)
    expect((await call('2.1', `GET /os-floating-ips/${id}`, undefined, { as: 'other' })).status).toBe(404)
    expect((await call('2.1', 'GET /os-floating-ips', undefined, { as: 'other' })).body).toEqual({ floating_ips: [] })
    expect((await call('2.1', `DELETE /os-floating-ips/${id}`)).status).toBe(202)
    const again = await call('2.1', `DELETE /os-floating-ips/${id}`)
    expect([again.status, message(again)]).toEqual([404, `Floating IP not found for ID ${id}`])
  })

  test('pools are found by id, and those that are not there are not', async () => {
    const { body } = await call('2.1', 'POST /os-floating-ips', { pool: publicId })
    expect(body.floating_ip.pool).toBe('public')
    await call('2.1', `DELETE /os-floating-ips/${body.floating_ip.id}`)
    for (const wanted of [{ pool: 'never-was' }, {}, null]) {
      const answer = await call('2.1', 'POST /os-floating-ips', wanted)
      expect([answer.status, message(answer)]).toEqual([404, 'Floating IP pool not found.'])
    }
  })

  test('that have run out', async () => {
    const ids: string[] = []
    let answer = await call('2.1', 'POST /os-floating-ips', { pool: 'public' })
    for (; answer.status === 200 && ids.length < 8; answer = await call('2.1', 'POST /os-floating-ips', { pool: 'public' }))
      ids.push(answer.body.floating_ip.id)
    expect([answer.status, message(answer)]).toEqual([404, 'No more floating IPs in pool public.'])
    for (const id of ids) await call('2.1', `DELETE /os-floating-ips/${id}`)
  })
})

describe('security groups', () => {
  const group = { name: 'web', description: 'from outside' }

  test('are made, seen, renamed and removed', async () => {
    const { body } = await call('2.1', 'POST /os-security-groups', { security_group: group })
    const { id } = body.security_group
    expect(body.security_group).toEqual({ id, ...group, tenant_id: projectOf('member'), rules: [] })
    const seen = (await call('2.1', 'GET /os-security-groups')).body.security_groups
    expect(seen.map(({ name }: { name: string }) => name)).toEqual(['default', 'ruled', 'web'])
    const change = { security_group: { name: 'www', description: '' } }
    expect((await call('2.1', `PUT /os-security-groups/${id}`, change)).body.security_group).toMatchObject(change.security_group)
    expect((await call('2.1', `GET /os-security-groups/${id}`, undefined, { as: 'other' })).status).toBe(404)
    expect((await call('2.1', `DELETE /os-security-groups/${id}`)).status).toBe(202)
    expect((await call('2.1', `DELETE /os-security-groups/${id}`)).status).toBe(404)
  })

  test('of all projects, for admins who ask for them', async () => {
    const made = await call('2.1', 'POST /os-security-groups', { security_group: { ...group, name: 'theirs' } }, { as: 'other' })
    const names = async (query: string, as: 'admin' | 'member') =>
      (await call('2.1', `GET /os-security-groups${query}`, undefined, { as })).body.security_groups.map(
        ({ name }: { name: string }) => name,
      )
    expect(await names('?all_tenants=1', 'admin')).toContain('theirs')
    expect(await names('', 'admin')).not.toContain('theirs')
    expect(await names('?all_tenants=1', 'member')).not.toContain('theirs')
    expect(await names('?limit=1', 'member')).toHaveLength(1)
    await call('2.1', `DELETE /os-security-groups/${made.body.security_group.id}`, undefined, { as: 'other' })
  })

  test('have ids', async () => {
    for (const route of ['GET /os-security-groups/x', 'DELETE /os-security-groups/x', 'DELETE /os-security-group-rules/x']) {
      const answer = await call('2.1', route)
      expect([answer.status, message(answer)]).toEqual([400, 'Security group id should be uuid'])
    }
  })

  const rules: [what: string, rule: object, status: number, answer: object | string][] = [
    ['ports', { ip_protocol: 'tcp', from_port: 80, to_port: 81, cidr: '192.0.2.0/24' }, 200, { from_port: 80, to_port: 81, group: {} }],
    ['the same again', { ip_protocol: 'tcp', from_port: 80, to_port: 81, cidr: '192.0.2.0/24' }, 400, 'This rule already exists in group'],
    ['ports as texts', { ip_protocol: 'tcp', from_port: '82', to_port: '83' }, 200, { from_port: 82, ip_range: { cidr: '0.0.0.0/0' } }],
    ['ICMP', { ip_protocol: 'icmp', from_port: 8, to_port: 0 }, 200, { from_port: 8, to_port: 0 }],
    ['all of ICMP', { ip_protocol: 'icmp', from_port: -1, to_port: -1 }, 200, { from_port: -1, to_port: -1 }],
    ['IPv6', { ip_protocol: 'udp', from_port: 53, to_port: 53, cidr: '2001:db8::/32' }, 200, { ip_range: { cidr: '2001:db8::/32' } }],
    [
      'an escaped network',
      { ip_protocol: 'udp', from_port: 54, to_port: 54, cidr: '10.0.0.0%2F8' },
      200,
      { ip_range: { cidr: '10.0.0.0/8' } },
    ],
    ['ports the wrong way round', { ip_protocol: 'tcp', from_port: 90, to_port: 80 }, 400, 'Invalid port range 90:80. Former value'],
    [
      'port 0',
      { ip_protocol: 'tcp', from_port: 0, to_port: 80 },
      400,
      'Invalid port range 0:80. Valid TCP ports should be between 1-65535',
    ],
    ['port 65536', { ip_protocol: 'udp', from_port: 1, to_port: 65536 }, 400, 'Invalid port range 1:65536. Valid UDP ports'],
    [
      'ICMP type 256',
      { ip_protocol: 'icmp', from_port: 256, to_port: 0 },
      400,
      'Invalid port range 256:0. For ICMP, the type:code must be valid',
    ],
    ['no numbers', { ip_protocol: 'tcp', from_port: 'x', to_port: 1 }, 400, 'Invalid input received: To and From ports must be integers'],
    [
      'no numbers of ICMP',
      { ip_protocol: 'icmp', from_port: 'x', to_port: 1 },
      400,
      'Invalid input received: Type and Code must be integers',
    ],
    ['no protocol that is', { ip_protocol: 'carrier', from_port: 1, to_port: 1 }, 400, 'Invalid IP protocol carrier.'],
    ['no network', { ip_protocol: 'tcp', from_port: 1, to_port: 1, cidr: 'x' }, 400, 'x is not a valid IP network.'],
    [
      'a network too long',
      { ip_protocol: 'tcp', from_port: 1, to_port: 1, cidr: '10.0.0.0/33' },
      400,
      '10.0.0.0/33 is not a valid IP network.',
    ],
    [
      'all networks in disguise',
      { ip_protocol: 'tcp', from_port: 1, to_port: 1, cidr: '10.0.0.0/0' },
      400,
      'Bad prefix for network in cidr',
    ],
    [
      'all networks by their mask',
      { ip_protocol: 'tcp', from_port: 1, to_port: 1, cidr: '10.0.0.0/0.0.0.0' },
      400,
      'Bad prefix for network in cidr',
    ],
    [
      'a mask with a hole',
      { ip_protocol: 'tcp', from_port: 1, to_port: 1, cidr: '10.0.0.0/255.0.255.0' },
      400,
      '10.0.0.0/255.0.255.0 is not a valid IP network.',
    ],
    ['every IPv6 network', { ip_protocol: 'udp', from_port: 55, to_port: 55, cidr: '0::/0' }, 200, { from_port: 55 }],
    ['no ports', { ip_protocol: 'tcp' }, 400, 'Not enough parameters to build a valid rule.'],
    ['no protocol', { from_port: 1, to_port: 1 }, 400, 'Not enough parameters to build a valid rule.'],
    [
      'its own members',
      { ip_protocol: 'TCP', group_id: 'own' },
      200,
      { from_port: 1, to_port: 65535, ip_range: {}, group: { name: 'ruled', tenant_id: projectOf('member') } },
    ],
    ['its own members, whatever they send', { group_id: 'own' }, 200, { ip_protocol: null, from_port: null, to_port: null }],
    ['members of a group that is not there', { group_id: nobody }, 404, `Security group ${nobody} does not exist`],
    [
      'in a group that is not there',
      { parent_group_id: nobody, ip_protocol: 'tcp', from_port: 1, to_port: 1 },
      404,
      `Security group ${nobody} does not exist`,
    ],
  ]
  let own: string
  beforeAll(async () => {
    own = (await call('2.1', 'POST /os-security-groups', { security_group: { ...group, name: 'ruled' } })).body.security_group.id
  })
  for (const [what, rule, status, expected] of rules)
    test(`a rule: ${what} → ${status}`, async () => {
      const asked = { parent_group_id: own, ...rule, ...('group_id' in rule && rule.group_id === 'own' && { group_id: own }) }
      const answer = await call('2.1', 'POST /os-security-group-rules', { security_group_rule: asked })
      expect(answer.status).toBe(status)
      if (typeof expected === 'string') expect(message(answer)).toContain(expected)
      else expect(answer.body.security_group_rule).toMatchObject({ parent_group_id: own, ...expected })
    })

  test('rules are removed one by one', async () => {
    const { rules } = (await call('2.1', `GET /os-security-groups/${own}`)).body.security_group
    expect(rules.length).toBeGreaterThan(5)
    for (const { id } of rules) expect((await call('2.1', `DELETE /os-security-group-rules/${id}`)).status).toBe(202)
    expect((await call('2.1', `GET /os-security-groups/${own}`)).body.security_group.rules).toEqual([])
    expect((await call('2.1', `DELETE /os-security-group-rules/${rules[0].id}`)).status).toBe(404)
  })

  test('a second default group is forbidden', async () => {
    const answer = await call('2.1', 'POST /os-security-groups', { security_group: { name: 'default', description: '' } })
    expect([answer.status, message(answer)]).toEqual([403, expect.stringContaining('Default security group already exists.')])
  })
})

describe('images', () => {
  test('one of them', async () => {
    const { body } = await call('2.1', `GET /images/${imageIds[0]}`)
    expect(body.image).toMatchObject({
      id: imageIds[0],
      name: 'one',
      minRam: 64,
      status: 'ACTIVE',
      progress: 100,
      'OS-DCF:diskConfig': 'MANUAL',
      'OS-EXT-IMG-SIZE:size': 3,
      metadata: { os_type: 'linux' },
    })
    expect(body.image.links.at(-1)).toEqual({
      rel: 'alternate',
      type: 'application/vnd.openstack.image',
      href: `http://images.example:9292//images/${imageIds[0]}`,
    })
    expect(body.image).not.toHaveProperty('server')
    expect((await call('2.1', `GET /images/${imageIds[2]}`)).body.image).toMatchObject({ status: 'SAVING', progress: 25 })
  })

  const named = async (query: string) => (await call('2.1', `GET /images${query}`)).body.images.map(({ name }: { name: string }) => name)

  test('lists', async () => {
    expect((await named('')).sort()).toEqual(['one', 'three', 'two'])
    expect(await named('?name=two')).toEqual(['two'])
    expect(await named('?status=SAVING')).toEqual([])
    expect(await named('?status=QUEUED')).toEqual(['three'])
    expect(await named('?limit=2')).toHaveLength(2)
    expect(await named(`?server=http://nova.example/servers/${nobody}`)).toEqual([])
    const { body } = await call('2.1', 'GET /images/detail?limit=1')
    expect(body.images).toHaveLength(1)
    expect(body.images_links[0].href).toContain(`/images/detail?limit=1&marker=${body.images[0].id}`)
    const next = await call('2.1', `GET /images/detail?limit=2&marker=${body.images[0].id}`)
    expect(next.body.images.map(({ id }: { id: string }) => id)).not.toContain(body.images[0].id)
  })

  test('what is not there or not theirs', async () => {
    const gone = await call('2.1', `GET /images/${nobody}`)
    expect([gone.status, message(gone)]).toEqual([404, 'Image not found.'])
    expect((await call('2.1', `DELETE /images/${nobody}`)).status).toBe(404)
    const after = await call('2.1', `GET /images?marker=${nobody}`)
    expect([after.status, message(after)]).toEqual([400, expect.stringContaining(nobody)])
  })

  test('metadata is added, replaced and removed', async () => {
    const at = `/images/${imageIds[1]}/metadata`
    expect((await call('2.1', `POST ${at}`, { metadata: { colour: 'red' } })).body.metadata).toMatchObject({
      colour: 'red',
      os_type: 'linux',
    })
    expect((await call('2.38', `PUT ${at}/colour`, { meta: { colour: 'blue' } })).body).toEqual({ meta: { colour: 'blue' } })
    expect((await call('2.1', `GET ${at}/colour`)).body).toEqual({ meta: { colour: 'blue' } })
    expect((await call('2.1', `DELETE ${at}/colour`)).status).toBe(204)
    const again = await call('2.1', `DELETE ${at}/colour`)
    expect([again.status, message(again)]).toEqual([404, 'Invalid metadata key'])
    expect((await call('2.1', `GET ${at}/colour`)).status).toBe(404)
    expect((await call('2.1', `PUT ${at}`, { metadata: { only: 'this' } })).body).toEqual({ metadata: { only: 'this' } })
    expect((await call('2.1', `GET ${at}`)).body).toEqual({ metadata: { only: 'this' } })
  })

  test('metadata that does not go', async () => {
    const at = `/images/${imageIds[1]}/metadata`
    const many = Object.fromEntries(Array.from({ length: 129 }, (_, i) => [`k${i}`, 'v']))
    const over = await call('2.1', `PUT ${at}`, { metadata: many })
    expect([over.status, message(over)]).toEqual([403, 'Image metadata limit exceeded'])
    const { k0: _, ...fewer } = many
    expect((await call('2.1', `PUT ${at}`, { metadata: fewer })).status).toBe(200)
    const other = await call('2.1', `PUT ${at}/a`, { meta: { b: 'c' } })
    expect([other.status, message(other)]).toEqual([400, 'Request body and URI mismatch'])
    expect((await call('2.1', `GET /images/${nobody}/metadata`)).status).toBe(404)
  })

  test('they can be deleted', async () => {
    expect((await call('2.35', `DELETE /images/${imageIds[2]}`)).status).toBe(204)
    expect((await call('2.35', `DELETE /images/${imageIds[2]}`)).status).toBe(404)
  })
})

describe('volumes and snapshots', () => {
  let volumeId: string
  test('volumes are made, seen and removed', async () => {
    const volume = { size: 1, display_name: 'data', display_description: 'what is kept', metadata: { a: 'b' } }
    const made = await call('2.1', 'POST /os-volumes', { volume })
    volumeId = made.body.volume.id
    expect(made.body.volume).toMatchObject({
      displayName: 'data',
      displayDescription: 'what is kept',
      metadata: { a: 'b' },
      size: 1,
      attachments: [{}],
      snapshotId: null,
    })
    expect(made.headers.location).toBe(`http://nova.example:8774/v2.1/os-volumes/${volumeId}`)
    await expect.poll(async () => (await call('2.1', `GET /os-volumes/${volumeId}`)).body.volume.status).toBe('available')
    for (const list of ['os-volumes', 'os-volumes/detail'])
      expect((await call('2.1', `GET /${list}`)).body.volumes).toMatchObject([{ id: volumeId, status: 'available' }])
    expect((await call('2.1', 'GET /os-volumes?offset=1')).body.volumes).toEqual([])
    expect((await call('2.1', 'GET /os-volumes', undefined, { as: 'other' })).body.volumes).toEqual([])
  })

  test('snapshots are made, seen and removed', async () => {
    const { body } = await call('2.1', 'POST /os-snapshots', { snapshot: { volume_id: volumeId, display_name: 'then' } })
    const { id } = body.snapshot
    expect(body.snapshot).toMatchObject({ volumeId, displayName: 'then', displayDescription: null, size: 1 })
    await expect.poll(async () => (await call('2.1', `GET /os-snapshots/${id}`)).body.snapshot.status).toBe('available')
    for (const list of ['os-snapshots', 'os-snapshots/detail'])
      expect((await call('2.1', `GET /${list}?limit=1`)).body.snapshots).toMatchObject([{ id }])
    const smaller = await call('2.1', 'POST /os-volumes', { volume: { size: 2, snapshot_id: id } })
    expect(smaller.body.volume).toMatchObject({ snapshotId: id, size: 2 })
    expect((await call('2.1', `DELETE /os-snapshots/${id}`)).status).toBe(202)
    await expect.poll(async () => (await call('2.1', `GET /os-snapshots/${id}`)).status).toBe(404)
  })

  const refused: [what: string, route: string, body: object | undefined, status: number, text: string][] = [
    ['a volume that is not there', `GET /os-volumes/${nobody}`, undefined, 404, `Volume ${nobody} could not be found.`],
    ['deleting one that is not there', `DELETE /os-volumes/${nobody}`, undefined, 404, `Volume ${nobody} could not be found.`],
    ['a snapshot that is not there', `GET /os-snapshots/${nobody}`, undefined, 404, `Snapshot ${nobody} could not be found.`],
    [
      'a zone that is not there',
      'POST /os-volumes',
      { volume: { size: 1, availability_zone: 'x' } },
      400,
      'Invalid input received: Availability zone',
    ],
    ['a type that is not there', 'POST /os-volumes', { volume: { size: 1, volume_type: 'x' } }, 404, 'could not be found'],
    [
      'of a snapshot that is not there',
      'POST /os-volumes',
      { volume: { size: 1, snapshot_id: nobody } },
      404,
      `Snapshot ${nobody} could not`,
    ],
    ['a snapshot of nothing', 'POST /os-snapshots', { snapshot: { volume_id: nobody } }, 400, `Volume ${nobody} could not be found.`],
  ]
  for (const [what, route, body, status, text] of refused)
    test(`${what} → ${status}`, async () => {
      const answer = await call('2.1', route, body)
      expect([answer.status, message(answer)]).toEqual([status, expect.stringContaining(text)])
    })
})

describe('bare metal', () => {
  const admin = { as: 'admin' } as const
  test('nodes are shown', async () => {
    const shown = {
      id: nobody,
      interfaces: [],
      host: 'IRONIC MANAGED',
      task_state: 'available',
      cpus: '8',
      memory_mb: '4096',
      disk_gb: '0',
    }
    expect((await call('2.1', 'GET /os-baremetal-nodes', undefined, admin)).body).toEqual({ nodes: [shown] })
    expect((await call('2.35', `GET /os-baremetal-nodes/${nobody}`, undefined, admin)).body).toEqual({
      node: { ...shown, interfaces: [{ address: '52:54:00:00:00:01' }], instance_uuid: nobody },
    })
    expect((await call('2.1', 'GET /os-baremetal-nodes/x', undefined, admin)).status).toBe(404)
    expect((await call('2.1', 'GET /os-baremetal-nodes')).status).toBe(403)
  })

  test('and only Ironic changes them', async () => {
    const answer = await call('2.1', `POST /os-baremetal-nodes/${nobody}/action`, { add_interface: {} }, admin)
    expect([answer.status, message(answer)]).toEqual([
      400,
      'Command not supported. Please use Ironic command port-create to perform this action.',
    ])
  })
})

test('what Neutron and Glance do not do is an error of ours', async () => {
  const broken = await testApi({ peers: { ironic: { ...ironic, configured: false } } })
  expect((await broken.call('2.1', 'GET /os-networks')).status).toBe(500)
  expect((await broken.call('2.1', 'GET /os-baremetal-nodes')).status).toBe(501)
  await broken.close()
})
