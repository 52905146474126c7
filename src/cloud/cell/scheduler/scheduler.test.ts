import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestCell, testCell } from '../../../../tests/support/cell/cell.ts'
import { contextOf } from '../../../../tests/support/cell/people.ts'
import { flavorOf } from '../../../../tests/support/cell/requests.ts'
import type { WireObject } from '../../../oslo/objects/object.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import { RequestSpec } from '../../../stores/objects/request-spec.ts'

/** fake1 is in the zone east, fake2 in none; the third host is small. */
let t: TestCell
let here: Server
beforeAll(async () => {
  t = await testCell({
    settings: { hosts: [{ name: 'fake1' }, { name: 'fake2' }, { name: 'tiny', size: { vcpus: 2, memoryMb: 1024, diskGb: 10 } }] },
    random: () => 0,
  })
  const { database } = t.stores.api
  await database.write(async (tx) => {
    await tx.insertInto('aggregates').values({ id: 1, uuid: 'aaaaaaaa-0000-4000-8000-000000000000', name: 'east' }).execute()
    await tx.insertInto('aggregate_hosts').values({ host: 'fake1', aggregate_id: 1 }).execute()
    await tx.insertInto('aggregate_metadata').values({ aggregate_id: 1, key: 'availability_zone', value: 'east' }).execute()
  })
  ;[here] = (await t.create({ spec: { force_hosts: ['fake2'] }, networks: [{ network_id: 'none' }] })) as [Server]
})
afterAll(() => t.close())

async function select(spec: Partial<RequestSpec>, uuid = crypto.randomUUID() as string): Promise<string[]> {
  const whole = RequestSpec.make({ instance_uuid: uuid, flavor: flavorOf(), num_instances: 1, scheduler_hints: {}, ...spec })
  const args = { spec_obj: RequestSpec.toWire(whole), instance_uuids: [uuid], return_objects: true, return_alternates: true }
  const [list] = await t.rpc.call<WireObject[][]>({ topic: 'scheduler', version: '4.5' }, contextOf('ann'), 'select_destinations', args)
  return list!.map((selection) => selection['nova_object.data'].service_host as string)
}

const none = 'No valid host was found. '
const notEnough = 'No valid host was found. There are not enough hosts available.'
const flavored = (extra_specs: Record<string, string>) => ({ flavor: flavorOf({ extra_specs }) })
const rebuilt = { force_hosts: ['fake1'], scheduler_hints: { _nova_check_type: ['rebuild'] } }
const imaged = (properties: object) => ({ image: { properties } as RequestSpec['image'] })

describe('which hosts may take a server', () => {
  const rows: [what: string, spec: () => Partial<RequestSpec>, hosts: string[] | string][] = [
    ['any', () => ({}), ['fake1', 'fake2', 'tiny']],
    ['a zone', () => ({ availability_zone: 'east' }), ['fake1']],
    ['the default zone', () => ({ availability_zone: 'nova' }), ['fake2', 'tiny']],
    ['a zone that is not there', () => ({ availability_zone: 'west' }), none],
    ['memory that all have but one', () => ({ flavor: flavorOf({ memory_mb: 513 }) }), ['fake1', 'fake2']],
    [
      'memory just as much as there is beside what is reserved',
      () => ({ flavor: flavorOf({ memory_mb: 512 }) }),
      ['fake1', 'fake2', 'tiny'],
    ],
    ['as many processors as there are', () => ({ flavor: flavorOf({ vcpus: 1000 }) }), ['fake1', 'fake2']],
    ['more processors than a host has, whatever the ratio', () => ({ flavor: flavorOf({ vcpus: 1001 }) }), none],
    ['a disk that is too large for the small one', () => ({ flavor: flavorOf({ root_gb: 10, ephemeral_gb: 1 }) }), ['fake1', 'fake2']],
    ['a forced host', () => ({ force_hosts: ['tiny'] }), ['tiny']],
    ['a forced host out of its zone', () => ({ force_hosts: ['fake2'], availability_zone: 'east' }), ['fake2']],
    ['a forced host that is too small', () => ({ force_hosts: ['tiny'], flavor: flavorOf({ memory_mb: 2048 }) }), none],
    ['a forced node', () => ({ force_nodes: ['fake1'] }), ['fake1']],
    ['a destination', () => ({ requested_destination: { host: 'fake2', node: null } }), ['fake2']],
    ['a destination in another zone', () => ({ requested_destination: { host: 'fake2' }, availability_zone: 'east' }), none],
    ['a host that is not there', () => ({ force_hosts: ['fake9'] }), 'No valid host was found. No such host - host: fake9 node: null '],
    ['hosts that will not do', () => ({ ignore_hosts: ['fake1', 'tiny'] }), ['fake2']],
    ['all of them', () => ({ ignore_hosts: ['fake1', 'FAKE2', 'tiny'] }), notEnough],
    ['an aggregate', () => ({ requested_destination: { aggregates: ['aaaaaaaa-0000-4000-8000-000000000000'] } }), ['fake1']],
    [
      'not an aggregate',
      () => ({ requested_destination: { forbidden_aggregates: ['aaaaaaaa-0000-4000-8000-000000000000'] } }),
      ['fake2', 'tiny'],
    ],
    ['with another server', () => ({ scheduler_hints: { same_host: [here.uuid] } }), ['fake2']],
    ['not with another server', () => ({ scheduler_hints: { different_host: [here.uuid] } }), ['fake1', 'tiny']],
    ['with a server that is nowhere', () => ({ scheduler_hints: { same_host: ['x'] } }), notEnough],
    ['a capability that a host has', () => flavored({ 'capabilities:hypervisor_type': 's== fake' }), ['fake1', 'fake2', 'tiny']],
    ['a capability that no host has', () => flavored({ 'capabilities:color': 'red' }), notEnough],
    ['an extra spec without a scope that is of no host', () => flavored({ color: 'red' }), ['fake1', 'fake2', 'tiny']],
    ['one that is of hosts', () => flavored({ nodename: 'tiny' }), ['tiny']],
    ['a range of words', () => flavored({ nodename: 's>= fake2' }), ['fake2', 'tiny']],
    ['one of some words', () => flavored({ nodename: '<or> fake1 <or> tiny' }), ['fake1', 'tiny']],
    ['a word that stands between such', () => flavored({ nodename: '<or> fake1 tiny' }), ['fake1']],
    ['all of some words', () => flavored({ nodename: '<all-in> fake 2' }), ['fake2']],
    ['an operator without a value', () => flavored({ nodename: '<in>' }), notEnough],
    ['something within text that is not JSON', () => flavored({ 'capabilities:hypervisor_type:name': 'fake' }), notEnough],
    [
      'something within what is known of the processor',
      () => flavored({ 'capabilities:cpu_info:vendor': 's!= none' }),
      ['fake1', 'fake2', 'tiny'],
    ],
    ['addresses wider than the processor has', () => flavored({ 'hw:maxphysaddr_bits': '42' }), notEnough],
    ['an extra spec of another scope', () => flavored({ 'hw:cpu_policy': 'shared' }), ['fake1', 'fake2', 'tiny']],
    ['enough processors', () => flavored({ 'capabilities:vcpus_total': '>= 100' }), ['fake1', 'fake2']],
    ['a trait', () => flavored({ 'trait:COMPUTE_TRUSTED_CERTS': 'required' }), ['fake1', 'fake2', 'tiny']],
    ['a trait that no host has', () => flavored({ 'trait:HW_CPU_X86_AVX': 'required' }), none],
    ['not a trait that each has', () => flavored({ 'trait:COMPUTE_NODE': 'forbidden' }), none],
    ['a resource class that no host has', () => flavored({ 'resources:VGPU': '1' }), none],
    ['an image for this hypervisor', () => imaged({ img_hv_type: 'fake', hw_architecture: 'x86_64' }), ['fake1', 'fake2', 'tiny']],
    ['an image for another', () => imaged({ img_hv_type: 'qemu' }), notEnough],
    ['an image for another architecture', () => imaged({ hw_architecture: 'aarch64' }), notEnough],
    ['the host of a rebuild, whatever else', () => ({ ...rebuilt, flavor: flavorOf({ vcpus: 1001 }) }), ['fake1']],
    ['the host of a rebuild from an image for another', () => ({ ...rebuilt, ...imaged({ img_hv_type: 'qemu' }) }), notEnough],
    ['a forced host for an image for another', () => ({ force_hosts: ['tiny'], ...imaged({ img_hv_type: 'qemu' }) }), ['tiny']],
  ]
  for (const [what, spec, hosts] of rows)
    test(what, async () => {
      const answer = select(spec())
      if (typeof hosts === 'string') await expect(answer).rejects.toMatchObject({ className: 'NoValidHost', message: hosts })
      else expect((await answer).sort()).toEqual(hosts)
    })
})

describe('hosts that are', () => {
  const rows: [what: string, values: object, message: string][] = [
    ['disabled', { disabled: true }, none],
    ['down', { forcedDown: true }, notEnough],
    ['silent for a minute', { lastSeenUp: '2020-01-01 00:00:00.000000' }, notEnough],
  ]
  for (const [what, values, message] of rows)
    test(`${what} get no server`, async () => {
      const service = (await t.cell.services.find('fake1', 'nova-compute'))!
      await t.cell.services.update(service.id, values)
      await expect(select({ availability_zone: 'east' })).rejects.toMatchObject({ message })
      await t.cell.services.update(service.id, { disabled: false, forcedDown: false, lastSeenUp: t.now() })
      expect(await select({ availability_zone: 'east' })).toEqual(['fake1'])
    })
})

describe('server groups', () => {
  let groups = 0
  async function group(policy: string, rules: object = {}): Promise<(uuid: string) => Promise<unknown>> {
    const id = ++groups
    await t.stores.api.database.write(async (tx) => {
      await tx
        .insertInto('instance_groups')
        .values({ id, uuid: `${id}0000000-0000-4000-8000-000000000000`, name: policy })
        .execute()
      await tx
        .insertInto('instance_group_policy')
        .values({ group_id: id, policy, rules: JSON.stringify(rules) })
        .execute()
    })
    return (uuid) =>
      t.stores.api.database.write((tx) => tx.insertInto('instance_group_member').values({ group_id: id, instance_uuid: uuid }).execute())
  }

  async function place(join: (uuid: string) => Promise<unknown>, count: number): Promise<(string | null)[]> {
    const requests = await Promise.all(
      Array.from({ length: count }, () =>
        t.request({ flavor: { memory_mb: 1, vcpus: 0, root_gb: 0 }, networks: [{ network_id: 'none' }] }),
      ),
    )
    for (const { uuids } of requests) await join(uuids[0]!)
    await Promise.all(requests.map(({ send }) => send()))
    const servers = await Promise.all(requests.map(({ uuids }) => t.settled(uuids[0]!)))
    return servers.map(({ host }) => host).sort()
  }

  test('anti-affinity: each on a host of its own, also when they come at once; the fourth finds none', async () => {
    const hosts = await place(await group('anti-affinity'), 4)
    expect(hosts).toEqual(['fake1', 'fake2', null, 'tiny'].sort())
  })

  test('anti-affinity with two on a host', async () => {
    const hosts = await place(await group('anti-affinity', { max_server_per_host: '2' }), 6)
    expect(hosts).toEqual(['fake1', 'fake1', 'fake2', 'fake2', 'tiny', 'tiny'])
  })

  test('affinity: all on one host', async () => {
    expect(new Set(await place(await group('affinity'), 3)).size).toBe(1)
  })

  test('soft anti-affinity: apart while there is room', async () => {
    const hosts = await place(await group('soft-anti-affinity'), 4)
    expect(new Set(hosts).size).toBe(3)
    expect(hosts).not.toContain(null)
  })

  test('soft affinity: together', async () => {
    expect(new Set(await place(await group('soft-affinity'), 3)).size).toBe(1)
  })
})
