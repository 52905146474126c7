/** What is told of a server's past and kept beside it: actions, metadata, tags, addresses, passwords, migrations. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Person } from '../../../../tests/support/compute-api.ts'
import { stored } from '../../../../tests/support/hosts.ts'
import { type Farm, farm, vif } from '../../../../tests/support/servers.ts'
import { InstanceNUMATopology } from '../../../stores/objects/numa.ts'

const start = Date.UTC(2026, 2, 1, 10)
let now = start
let farmed: Farm
beforeAll(async () => {
  farmed = await farm({}, { now: () => now })
})
afterAll(async () => {
  expect(farmed.api.errors).toEqual([])
  await farmed.close()
})
beforeEach(() => {
  now = start
})

const call = (version: string, route: string, body?: unknown, as: Person = 'member') => farmed.api.call(version, route, body, { as })
const message = (answer: { body: Record<string, { message: string }> }) => Object.values(answer.body)[0]!.message

describe('actions', () => {
  const request = (n: number) => `req-${n}`
  let uuid: string
  beforeAll(async () => {
    uuid = await farmed.server()
    const { actions } = farmed.cell
    const who = { userId: 'u', projectId: 'p', instanceUuid: uuid }
    for (const n of [1, 2, 3]) {
      now = start + n * 60_000
      await actions.start({ ...who, action: 'reboot', requestId: request(n) })
    }
    await actions.startEvent(uuid, request(3), 'compute_reboot_instance', 'host1')
    now += 1000
    const end = { result: 'Error', traceback: 'Traceback …', details: 'NoValidHost' } as const
    await actions.finishEvent(uuid, request(3), 'compute_reboot_instance', end)
  })

  const list = async (query = '', version = '2.66') => call(version, `GET /servers/${uuid}/os-instance-actions${query}`)
  const ids = (answer: { body: { instanceActions: { request_id: string }[] } }) =>
    answer.body.instanceActions.map((action) => action.request_id)

  test('begun when the request came', async () => {
    let tick = start
    const slow = await farm({}, { now: () => (tick += 1000) })
    const locked = await slow.server()
    expect((await slow.api.call('2.1', `POST /servers/${locked}/action`, { lock: null })).status).toBe(202)
    const action = (await slow.cell.actions.latest(locked))!
    expect(action.startTime! < action.createdAt!).toBe(true)
    await slow.close()
  })

  test('newest first', async () => {
    expect(ids(await list()).slice(0, 3)).toEqual([request(3), request(2), request(1)])
    expect((await list()).body.instanceActions[1]).toEqual({
      action: 'reboot',
      instance_uuid: uuid,
      request_id: request(2),
      user_id: 'u',
      project_id: 'p',
      start_time: '2026-03-01T10:02:00.000000',
      message: null,
      updated_at: '2026-03-01T10:02:00.000000',
    })
    expect((await list('', '2.57')).body.instanceActions[1]).not.toHaveProperty('updated_at')
  })

  test('pages', async () => {
    const first = await list('?limit=2')
    expect([ids(first), first.body.links[0].rel]).toEqual([[request(3), request(2)], 'next'])
    expect(first.body.links[0].href).toMatch(`/servers/${uuid}/os-instance-actions?limit=2&marker=${request(2)}`)
    expect(ids(await list(`?limit=1&marker=${request(2)}`))).toEqual([request(1)])
    expect(message(await list('?marker=never'))).toBe('Marker None could not be found.')
    // Until 2.57 there are no pages
    expect(ids(await list('?limit=1', '2.57'))).toHaveLength(4)
  })

  test.each([
    ['?changes-since=2026-03-01T10:02:00', [3, 2]],
    ['?changes-before=2026-03-01T10:02:00', [2, 1]],
    ['?changes-since=2026-03-01T10:02:00&changes-before=2026-03-01T10:02:00', [2]],
  ])('%s', async (query, expected) => {
    expect(ids(await list(query)).filter((id) => id.length < 10)).toEqual(expected.map(request))
  })

  test('a span that ends before it begins', async () => {
    const answer = await list('?changes-since=2026-03-01T10:02:00&changes-before=2026-03-01T10:01:00')
    expect(message(answer)).toBe('The value of changes-since must be less than or equal to changes-before.')
  })

  const event = {
    event: 'compute_reboot_instance',
    start_time: '2026-03-01T10:03:00.000000',
    finish_time: '2026-03-01T10:03:01.000000',
    result: 'Error',
  }
  const hostId = expect.stringMatching(/^[0-9a-f]{56}$/)
  const traceback = 'Traceback …'
  test.each<[Person, string, object | undefined]>([
    ['member', '2.50', undefined],
    ['admin', '2.50', { ...event, traceback }],
    ['member', '2.51', event],
    ['member', '2.62', { ...event, hostId }],
    ['admin', '2.62', { ...event, traceback, host: 'host1', hostId }],
    ['member', '2.84', { ...event, hostId }],
    ['admin', '2.84', { ...event, traceback, host: 'host1', hostId, details: 'NoValidHost' }],
  ])('events to a %s at %s', async (as, version, expected) => {
    const { body } = await call(version, `GET /servers/${uuid}/os-instance-actions/${request(3)}`, undefined, as)
    expect([body.instanceAction.message, body.instanceAction.events]).toEqual(['Error', expected && [expected]])
  })

  test('one that is not there', async () => {
    const answer = await call('2.1', `GET /servers/${uuid}/os-instance-actions/never`)
    expect([answer.status, message(answer)]).toEqual([404, 'Action never not found'])
  })

  test('of deleted servers from 2.21 on', async () => {
    const gone = await farmed.server()
    await farmed.cell.servers.destroy(gone)
    expect((await call('2.20', `GET /servers/${gone}/os-instance-actions`)).status).toBe(404)
    expect((await call('2.21', `GET /servers/${gone}/os-instance-actions`)).body.instanceActions).toHaveLength(1)
  })
})

test('what happens belongs to the last action of its request', async () => {
  // Deleting a server that was resized confirms that first, with the same request
  const uuid = await farmed.server()
  const request = { instanceUuid: uuid, requestId: 'req-both', userId: null, projectId: null }
  for (const action of ['confirmResize', 'delete']) await farmed.cell.actions.start({ ...request, action })
  await farmed.cell.actions.startEvent(uuid, 'req-both', 'compute_terminate_instance', 'host1')
  await farmed.cell.actions.finishEvent(uuid, 'req-both', 'compute_terminate_instance', { result: 'Success' })
  const { instanceAction } = (await call('2.96', `GET /servers/${uuid}/os-instance-actions/req-both`, undefined, 'admin')).body
  expect([instanceAction.action, instanceAction.events]).toMatchObject([
    'delete',
    [{ event: 'compute_terminate_instance', result: 'Success' }],
  ])
})

describe('metadata', () => {
  const at = (uuid: string, key = '') => `/servers/${uuid}/metadata${key && `/${key}`}`
  const all = async (uuid: string) => (await call('2.1', `GET ${at(uuid)}`)).body.metadata

  test('added to, replaced, shown and removed', async () => {
    const uuid = await farmed.server({ metadata: { a: '1' } })
    expect((await call('2.1', `POST ${at(uuid)}`, { metadata: { b: '2' } })).body).toEqual({ metadata: { a: '1', b: '2' } })
    expect((await call('2.1', `PUT ${at(uuid, 'a')}`, { meta: { a: '3' } })).body).toEqual({ meta: { a: '3' } })
    expect((await call('2.1', `GET ${at(uuid, 'a')}`)).body).toEqual({ meta: { a: '3' } })
    expect((await call('2.1', `PUT ${at(uuid)}`, { metadata: { c: '4' } })).body).toEqual({ metadata: { c: '4' } })
    expect(await all(uuid)).toEqual({ c: '4' })
    expect((await call('2.1', `DELETE ${at(uuid, 'c')}`)).status).toBe(204)
    expect(await all(uuid)).toEqual({})
  })

  test.each([
    ['GET', 'x', undefined, 404, 'Metadata item was not found'],
    ['DELETE', 'x', undefined, 404, 'Metadata item was not found'],
    ['PUT', 'x', { meta: { a: '1' } }, 400, 'Request body and URI mismatch'],
    ['PUT', 'x', { meta: {} }, 400, expect.stringContaining('{} should be non-empty')],
    ['PUT', 'x', { meta: { x: '1', y: '2' } }, 400, expect.stringContaining('has too many properties')],
    ['POST', '', { metadata: { x: 'v'.repeat(256) } }, 400, expect.stringContaining('is too long')],
    ['POST', '', { metadata: { ['k'.repeat(256)]: 'v' } }, 400, expect.stringContaining('does not match any of the regexes')],
  ])('%s /metadata/%s %j', async (method, key, body, status, text) => {
    const uuid = await farmed.server({ metadata: { a: '1' } })
    const answer = await call('2.1', `${method} ${at(uuid, key)}`, body)
    expect([answer.status, message(answer)]).toEqual([status, text])
  })

  test('as many as the quota allows', async () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 'v']))
    const uuid = await farmed.server({ metadata: many(128) })
    expect((await call('2.1', `PUT ${at(uuid)}`, { metadata: many(128) })).status).toBe(200)
    const over = await call('2.1', `POST ${at(uuid)}`, { metadata: { more: 'v' } })
    expect([over.status, message(over)]).toEqual([403, 'Maximum number of metadata items exceeds 128'])
  })

  test.each([
    ['active', 200, 204],
    ['stopped', 200, 204],
    ['paused', 200, 204],
    ['suspended', 200, 204],
    ['error', 409, 409],
    ['rescued', 409, 409],
    ['shelved', 409, 409],
    ['resized', 409, 409],
    ['building', 409, 409],
  ])('while it is %s', async (vmState, setting, removing) => {
    const uuid = await farmed.server({ vmState, metadata: { a: '1' } })
    const set = await call('2.1', `POST ${at(uuid)}`, { metadata: { b: '2' } })
    const gone = await call('2.1', `DELETE ${at(uuid, 'a')}`)
    expect([set.status, gone.status]).toEqual([setting, removing])
    if (setting === 409) expect(message(set)).toBe(`Cannot 'update metadata' instance ${uuid} while it is in vm_state ${vmState}`)
    if (removing === 409) expect(message(gone)).toBe(`Cannot 'delete metadata' instance ${uuid} while it is in vm_state ${vmState}`)
  })

  test('not while it is locked, and not by readers', async () => {
    const uuid = await farmed.server({ locked: true })
    expect(message(await call('2.1', `POST ${at(uuid)}`, { metadata: { b: '2' } }))).toBe(`Instance ${uuid} is locked`)
    expect((await call('2.1', `POST ${at(uuid)}`, { metadata: { b: '2' } }, 'reader')).status).toBe(403)
    expect((await call('2.1', `GET ${at(uuid)}`, undefined, 'reader')).status).toBe(200)
  })
})

describe('tags', () => {
  const at = (uuid: string, tag = '') => `/servers/${uuid}/tags${tag && `/${tag}`}`
  const tags = async (uuid: string) => (await call('2.26', `GET ${at(uuid)}`)).body.tags

  test('added, replaced, looked for and removed', async () => {
    const uuid = await farmed.server({ tags: ['b'] })
    const added = await call('2.26', `PUT ${at(uuid, 'a')}`, null)
    expect([added.status, added.body]).toEqual([201, null])
    expect(added.headers.location).toMatch(`/servers/${uuid}/tags/a`)
    const again = await call('2.26', `PUT ${at(uuid, 'a')}`, null)
    expect([again.status, again.headers.location]).toEqual([204, undefined])
    expect(await tags(uuid)).toEqual(['a', 'b'])
    expect((await call('2.26', `GET ${at(uuid, 'b')}`)).status).toBe(204)
    expect(message(await call('2.26', `GET ${at(uuid, 'x')}`))).toBe(`Server ${uuid} has no tag 'x'`)
    expect((await call('2.26', `PUT ${at(uuid)}`, { tags: ['d', 'c', 'd'] })).body).toEqual({ tags: ['c', 'd'] })
    expect((await call('2.26', `DELETE ${at(uuid, 'c')}`)).status).toBe(204)
    expect(message(await call('2.26', `DELETE ${at(uuid, 'c')}`))).toBe(`Instance ${uuid} has no tag 'c'`)
    expect((await call('2.26', `DELETE ${at(uuid)}`)).status).toBe(204)
    expect(await tags(uuid)).toEqual([])
    expect((await call('2.25', `GET ${at(uuid)}`)).status).toBe(404)
  })

  test.each([
    ['a,b', "'a,b' does not match '^[^,/]*$'"],
    ['t'.repeat(61), `'${'t'.repeat(61)}' is too long`],
  ])('%s is no tag', async (tag, why) => {
    const uuid = await farmed.server()
    expect(message(await call('2.26', `PUT ${at(uuid, tag)}`, null))).toBe(
      `Tag '${tag}' is invalid. It must be a non empty string without characters '/' and ','. Validation error message: ${why}`,
    )
  })

  test('of any letters', async () => {
    const uuid = await farmed.server()
    const added = await call('2.26', `PUT ${at(uuid, encodeURIComponent('т a'))}`, null)
    expect([added.status, added.headers['content-type']]).toEqual([201, 'text/html; charset=UTF-8'])
    expect(Buffer.from(added.headers.location!, 'latin1').toString()).toMatch(/tags\/т a$/)
    // As Nova: what stands in a path is taken byte by byte
    expect(await tags(uuid)).toEqual(['\xd1\x82 a'])
    expect((await call('2.26', `GET ${at(uuid, encodeURIComponent('т a'))}`)).status).toBe(204)
    const absent = await call('2.26', `DELETE ${at(uuid, '%FF')}`)
    expect([absent.status, message(absent)]).toEqual([404, `Instance ${uuid} has no tag 'ÿ'`])
    const broken = await call('2.26', `PUT ${at(uuid, '%0Ax')}`, null)
    expect([broken.status, broken.headers.location]).toEqual([201, expect.stringMatching(/tags\/%0Ax$/)])
  })

  test('fifty and no more', async () => {
    const uuid = await farmed.server({ tags: Array.from({ length: 49 }, (_, i) => `t${i}`) })
    expect((await call('2.26', `PUT ${at(uuid, 'fiftieth')}`, null)).status).toBe(201)
    expect(message(await call('2.26', `PUT ${at(uuid, 'one-more')}`, null))).toBe('The number of tags exceeded the per-server limit 50')
  })

  test('only where it stands still or runs', async () => {
    const uuid = await farmed.server({ vmState: 'error' })
    const refusal = (doing: string) => `Cannot '${doing}' instance ${uuid} while it is in vm_state error`
    expect(message(await call('2.26', `PUT ${at(uuid, 'a')}`, null))).toBe(refusal('update tag'))
    expect(message(await call('2.26', `PUT ${at(uuid)}`, { tags: [] }))).toBe(refusal('update tags'))
    expect(message(await call('2.26', `DELETE ${at(uuid, 'a')}`))).toBe(refusal('delete tag'))
    expect(message(await call('2.26', `DELETE ${at(uuid)}`))).toBe(refusal('delete tags'))
  })

  test('of a server that is not there, and of other projects', async () => {
    const nobody = crypto.randomUUID()
    expect(message(await call('2.26', `GET ${at(nobody)}`))).toBe(`Instance ${nobody} has no mapping to a cell.`)
    const uuid = await farmed.server()
    expect((await call('2.26', `GET ${at(uuid)}`, undefined, 'other')).status).toBe(403)
  })
})

describe('what else is told', () => {
  test('addresses', async () => {
    const second = { ...vif, id: 'p2', network: { ...vif.network, label: 'other' } }
    const uuid = await farmed.server({ vifs: [vif, second] })
    const shown = [{ version: 4, addr: '10.0.0.5' }]
    expect((await call('2.1', `GET /servers/${uuid}/ips`)).body).toEqual({ addresses: { net: shown, other: shown } })
    expect((await call('2.1', `GET /servers/${uuid}/ips/net`)).body).toEqual({ net: shown })
    const absent = await call('2.1', `GET /servers/${uuid}/ips/none`)
    expect([absent.status, message(absent)]).toEqual([404, 'Instance is not a member of specified network'])
  })

  test('the password that the guest left', async () => {
    const uuid = await farmed.server({ systemMetadata: { password_0: 'first ', password_1: 'second' } })
    const at = `/servers/${uuid}/os-server-password`
    expect((await call('2.1', `GET ${at}`)).body).toEqual({ password: 'first second' })
    expect((await call('2.1', `DELETE ${at}`)).status).toBe(204)
    expect((await call('2.1', `GET ${at}`)).body).toEqual({ password: '' })
  })

  test('topology', async () => {
    const cell = {
      cpuset: [0, 1, 2],
      pcpuset: [3],
      memory: 512,
      pagesize: 2048,
      cpu_pinning_raw: { 3: 7 },
      cpu_topology: { sockets: 1, cores: 2, threads: 2 },
    }
    const numaTopology = JSON.stringify(InstanceNUMATopology.toWire(InstanceNUMATopology.make({ cells: [{ id: 1, ...cell }] as never })))
    const uuid = await farmed.server({ extra: { numaTopology } })
    const node = {
      vcpu_set: [0, 1, 2, 3],
      siblings: [
        [0, 1],
        [2, 3],
      ],
      memory_mb: 512,
    }
    const at = `GET /servers/${uuid}/topology`
    expect((await call('2.78', at)).body).toEqual({ nodes: [node], pagesize_kb: 2048 })
    expect((await call('2.78', at, undefined, 'admin')).body.nodes).toEqual([{ ...node, host_node: 1, cpu_pinning: { 3: 7 } }])
    expect((await call('2.77', at)).status).toBe(404)
    const plain = await farmed.server()
    expect((await call('2.78', `GET /servers/${plain}/topology`)).body).toEqual({ nodes: [], pagesize_kb: null })
  })

  test('live migrations under way', async () => {
    const uuid = await farmed.server({ taskState: 'migrating' })
    const move = {
      instanceUuid: uuid,
      sourceCompute: 'host1',
      destCompute: 'host2',
      memoryTotal: 5,
      userId: 'u',
      projectId: 'p',
      createdAt: stored(start),
      updatedAt: stored(start),
    }
    const make = (more: object) =>
      farmed.cell.migrations.create({
        ...move,
        uuid: crypto.randomUUID(),
        migrationType: 'live-migration',
        status: 'running',
        hidden: false,
        crossCellMove: false,
        ...more,
      })
    const id = await make({})
    const done = await make({ status: 'completed' })
    const cold = await make({ migrationType: 'resize' })
    const at = `/servers/${uuid}/migrations`
    const { body } = await call('2.23', `GET ${at}`, undefined, 'manager')
    expect(body.migrations).toMatchObject([
      { id, status: 'running', memory_total_bytes: 5, source_compute: null, dest_compute: null, server_uuid: uuid },
    ])
    expect(body.migrations[0]).not.toHaveProperty('uuid')
    expect((await call('2.80', `GET ${at}`, undefined, 'admin')).body.migrations).toMatchObject([
      { uuid: expect.anything(), user_id: 'u', project_id: 'p', source_compute: 'host1' },
    ])
    expect((await call('2.23', `GET ${at}/${id}`, undefined, 'admin')).body.migration).toMatchObject({ id, dest_compute: 'host2' })
    const words = async (which: number | string) => message(await call('2.23', `GET ${at}/${which}`, undefined, 'admin'))
    expect(await words(done)).toBe(`Live migration ${done} for server ${uuid} is not in progress.`)
    expect(await words(cold)).toBe(`Migration ${cold} for server ${uuid} is not live-migration.`)
    expect(await words(999)).toBe(`In-progress live migration 999 is not found for server ${uuid}.`)
    expect(await words('x')).toBe(`In-progress live migration x is not found for server ${uuid}.`)
  })
})

describe('a new name and other changes', () => {
  const put = (uuid: string, server: object, version = '2.94') => call(version, `PUT /servers/${uuid}`, { server })

  test('are written and shown', async () => {
    const uuid = await farmed.server()
    const shown = { name: 'new', description: 'd', accessIPv4: '192.0.2.1', accessIPv6: '2001:db8::1', 'OS-DCF:diskConfig': 'AUTO' }
    const { status, body } = await put(uuid, { ...shown, hostname: 'a.b' })
    expect([status, body.server]).toMatchObject([200, shown])
    const { autoDiskConfig, ...row } = await farmed.row(uuid)
    expect(row).toMatchObject({ displayName: 'new', displayDescription: 'd', hostname: 'a.b' })
    // what an engine makes of a boolean
    expect(Boolean(autoDiskConfig)).toBe(true)
  })

  test('addresses are written in their shortest form', async () => {
    const { body } = await put(await farmed.server(), { accessIPv6: '2001:DB8:0:0::9' })
    expect(body.server.accessIPv6).toBe('2001:db8::9')
  })

  test.each([
    ['2.18', { description: 'd' }],
    ['2.89', { hostname: 'h' }],
    ['2.93', { hostname: 'a.b' }],
    ['2.94', { hostname: '' }],
    ['2.1', { name: '' }],
    ['2.1', { name: ' spaced ' }],
    ['2.1', { name: 'x'.repeat(256) }],
    ['2.1', { accessIPv4: 'x' }],
    ['2.1', { colour: 'red' }],
  ])('%s %j is refused', async (version, server) => {
    expect((await put(await farmed.server(), server, version)).status).toBe(400)
  })

  test('a lock does not matter, a project does', async () => {
    const uuid = await farmed.server({ locked: true })
    expect((await put(uuid, { name: 'n' })).status).toBe(200)
    expect((await call('2.1', `PUT /servers/${uuid}`, { server: { name: 'n' } }, 'other')).status).toBe(404)
    expect((await call('2.1', `PUT /servers/${uuid}`, { server: { name: 'n' } }, 'reader')).status).toBe(403)
  })
})

describe('under their old address', () => {
  test('until 2.102', async () => {
    const uuid = await farmed.server({ displayName: 'old' })
    expect((await call('2.102', 'GET /os-volumes_boot?name=old')).body.servers).toMatchObject([{ id: uuid }])
    expect((await call('2.60', `GET /os-volumes_boot/${uuid}`)).body.server.name).toBe('old')
    expect((await call('2.103', `GET /os-volumes_boot/${uuid}`)).status).toBe(404)
    expect(message(await call('2.102', `POST /os-volumes_boot/${uuid}/action`, { pause: null }))).toBe('There is no such action: pause')
  })

  test('no slash may follow', async () => {
    expect([(await call('2.1', 'GET /servers')).status, (await call('2.1', 'GET /servers/')).status]).toEqual([200, 404])
  })
})
