import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TestCell, testCell } from '../../../tests/support/cell/cell.ts'
import { contextOf } from '../../../tests/support/cell/people.ts'
import { flavorOf } from '../../../tests/support/cell/requests.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { imageMetaFrom } from '../../stores/objects/image-meta.ts'
import { RequestSpec } from '../../stores/objects/request-spec.ts'
import { computeTask } from './targets.ts'
import { instanceToWire } from './wire.ts'

let t: TestCell
let server: Server
const begin = async (options?: Parameters<typeof testCell>[0]) => {
  t = await testCell(options)
  ;[server] = (await t.create({ networks: [{ network_id: t.sharedId }] })) as [Server]
}
beforeEach(() => begin())
afterEach(() => t.close())

const other = (host: string | null) => (host === 'fake1' ? 'fake2' : 'fake1')
const big = flavorOf({ id: 8, name: 'm1.big', flavorid: 'big', memory_mb: 256, vcpus: 2, root_gb: 2 })
const boundTo = async (uuid: string) => (await t.ports(uuid)).map((port) => port['binding:host_id'])
const migrations = async () => {
  const all = await t.cell.migrations.ofServer(server.uuid, [
    'accepted',
    'pre-migrating',
    'finished',
    'confirmed',
    'reverted',
    'error',
    'done',
    'completed',
    'failed',
  ])
  return all.map(({ migrationType, status, sourceCompute, destCompute }) => [migrationType, status, sourceCompute, destCompute])
}

describe('a resize', () => {
  test('to another host, confirmed', async () => {
    const { uuid, host } = server
    const request = await t.resize(uuid, big, { request_spec: await avoiding(host!) })
    const resized = await t.settled(uuid)
    expect(resized).toMatchObject({
      vmState: 'resized',
      host: other(host),
      node: other(host),
      memoryMb: 256,
      vcpus: 2,
      rootGb: 2,
      instanceTypeId: 8,
      powerState: 1,
    })
    expect(resized.flavor).toMatchObject({
      cur: { 'nova_object.data': { flavorid: 'big' } },
      old: { 'nova_object.data': { flavorid: 'small' } },
      new: { 'nova_object.data': { flavorid: 'big' } },
    })
    expect(await boundTo(uuid)).toEqual([other(host)])
    const [migration] = await t.cell.migrations.ofServer(uuid, ['finished'])
    expect(migration).toMatchObject({
      oldInstanceTypeId: 7,
      newInstanceTypeId: 8,
      sourceNode: host,
      destNode: other(host),
      userId: 'ann',
      projectId: 'one',
    })
    expect(JSON.parse((await t.cell.serverExtra.find(uuid))!.migrationContext!)['nova_object.data']).toMatchObject({
      migration_id: migration!.id,
    })
    await expect
      .poll(() => t.events(uuid, request))
      .toEqual([
        'conductor_migrate_server peer Success',
        'cold_migrate peer Success',
        `compute_prep_resize ${other(host)} Success`,
        `compute_resize_instance ${host} Success`,
        `compute_finish_resize ${other(host)} Success`,
      ])
    expect(
      ((await t.stores.api.requestSpecs.find(uuid))!['nova_object.data'].flavor as { 'nova_object.data': object })['nova_object.data'],
    ).toMatchObject({ flavorid: 'big' })
    await t.answerResize(uuid, 'confirm')
    await t.until(uuid, (one) => one?.vmState === 'active', 'never confirmed')
    const confirmed = (await t.find(uuid))!
    expect(confirmed).toMatchObject({ host: other(host), memoryMb: 256, flavor: { old: null, new: null } })
    expect((await t.cell.serverExtra.find(uuid))!.migrationContext).toBeNull()
    expect((await t.cell.systemMetadata.of([uuid])).get(uuid)).not.toHaveProperty('old_vm_state')
    expect(await migrations()).toEqual([['resize', 'confirmed', host, other(host)]])
    await expect.poll(async () => (await t.events(uuid)).at(-1)).toBe(`compute_confirm_resize ${host} Success`)
    expect(t.errors).toEqual([])
  })

  test('reverted', async () => {
    const { uuid, host } = server
    await t.resize(uuid, big, { request_spec: await avoiding(host!) })
    await t.settled(uuid)
    const request = await t.answerResize(uuid, 'revert')
    expect(await t.until(uuid, (one) => one?.vmState === 'active' && one.taskState === null, 'never back')).toMatchObject({
      host,
      node: host,
      memoryMb: 128,
      instanceTypeId: 7,
      flavor: { cur: { 'nova_object.data': { flavorid: 'small' } }, old: null, new: null },
    })
    expect(await boundTo(uuid)).toEqual([host])
    expect(await migrations()).toEqual([['resize', 'reverted', host, other(host)]])
    await expect
      .poll(() => t.events(uuid, request))
      .toEqual([`compute_revert_resize ${other(host)} Success`, `compute_finish_revert_resize ${host} Success`])
    expect(t.errors).toEqual([])
  })

  for (const answer of ['confirm', 'revert'] as const)
    test(`of a stopped server stays stopped: ${answer}`, async () => {
      const { uuid, host } = server
      await t.act(uuid, 'powering-off', 'stop_instance')
      await t.settled(uuid)
      await t.resize(uuid, big, { request_spec: await avoiding(host!) })
      expect(await t.settled(uuid)).toMatchObject({ vmState: 'resized', powerState: 4 })
      await t.answerResize(uuid, answer)
      expect(await t.until(uuid, (one) => one?.vmState === 'stopped' && one.taskState === null, 'never stopped')).toMatchObject({
        powerState: 4,
      })
    })

  test('that fits nowhere leaves the server as it was, with a fault', async () => {
    const { uuid, host } = server
    const request = await t.resize(uuid, flavorOf({ id: 9, memory_mb: 99_000_000 }))
    expect(await t.settled(uuid)).toMatchObject({ vmState: 'active', host, memoryMb: 128 })
    expect((await t.cell.faults.latestOf([uuid])).get(uuid)).toMatchObject({ code: 500, message: 'No valid host was found. ' })
    await expect.poll(() => t.events(uuid, request)).toEqual(['conductor_migrate_server peer Error', 'cold_migrate peer Error'])
    const [action] = (await t.cell.actions.list(uuid))!
    const [event] = await t.cell.actions.events(action!.id)
    expect(event!.details).toBe('No valid host was found. No valid host found for resize')
    expect(await migrations()).toEqual([['resize', 'error', host, null]])
  })

  test('onto the same host', async () => {
    const { uuid, host } = server
    await t.resize(uuid, big, { request_spec: await avoiding(other(host)) })
    expect(await t.settled(uuid)).toMatchObject({ vmState: 'resized', host, memoryMb: 256 })
    await t.answerResize(uuid, 'confirm')
    await t.until(uuid, (one) => one?.vmState === 'active', 'never confirmed')
    expect(await t.call((await t.find(uuid))!, 'get_diagnostics')).toMatchObject({ memory: 524288 })
  })
})

test('a cold migration goes elsewhere, since the host refuses to take what it has', async () => {
  const { uuid, host } = server
  // fake1 and fake2 are asked in an order that chance decides: either way it must not stay
  const request = await t.resize(uuid, flavorOf())
  expect(await t.settled(uuid)).toMatchObject({ vmState: 'resized', host: other(host), memoryMb: 128 })
  expect(await migrations()).toEqual([['migration', 'finished', host, other(host)]])
  expect((await t.events(uuid, request)).at(-1)).toMatch(/^compute_finish_resize/)
})

describe('a live migration', () => {
  const live = (host: string | null) =>
    t.task(server.uuid, 'migrating', 'live_migrate_instance', { scheduler_hint: { host }, block_migration: null, disk_over_commit: null })

  test('to a host that is found', async () => {
    const { uuid, host } = server
    const request = await live(null)
    expect(await t.settled(uuid)).toMatchObject({ vmState: 'active', powerState: 1, host: other(host), node: other(host), progress: 0 })
    expect(await boundTo(uuid)).toEqual([other(host)])
    await expect.poll(migrations).toEqual([['live-migration', 'completed', host, other(host)]])
    await expect
      .poll(() => t.events(uuid, request))
      .toEqual([
        'conductor_live_migrate_instance peer Success',
        `compute_check_can_live_migrate_destination ${other(host)} Success`,
        `compute_check_can_live_migrate_source ${host} Success`,
        `compute_live_migration ${host} Success`,
        `compute_pre_live_migration ${other(host)} Success`,
        `compute_post_live_migration_at_destination ${other(host)} Success`,
      ])
    const { session } = t.peers.neutron.own
    const [port] = await t.ports(uuid)
    const { bindings } = (await session.request({ path: `/v2.0/ports/${port!.id}/bindings` })).json<{ bindings: { host: string }[] }>()
    expect(bindings.map((binding) => binding.host)).toEqual([other(host)])
    expect(t.errors).toEqual([])
  })

  const refused: [what: string, host: () => string, before: () => Promise<unknown>, className: string][] = [
    ['to where it is', () => server.host!, async () => {}, 'UnableToMigrateToSelf'],
    ['to a host that is not there', () => 'fake9', async () => {}, 'ComputeHostNotFound'],
    [
      'to a host that is down',
      () => other(server.host),
      () => force(other(server.host), { forcedDown: true }),
      'ComputeServiceUnavailable',
    ],
  ]
  for (const [what, host, before, className] of refused)
    test(`${what}: ${className}, and the caller is told`, async () => {
      await before()
      const spec = await t.stores.api.requestSpecs.find(server.uuid)
      await t.cell.servers.update(server.uuid, { taskState: 'migrating' })
      const args = {
        instance: instanceToWire(server),
        scheduler_hint: { host: host() },
        live: true,
        rebuild: false,
        flavor: null,
        request_spec: spec,
      }
      await expect(t.rpc.call(computeTask('1.20'), contextOf('root'), 'migrate_server', args)).rejects.toMatchObject({ className })
      expect(await t.find(server.uuid)).toMatchObject({ vmState: 'active', taskState: null, host: server.host })
      expect((await migrations()).map(([, status]) => status)).toEqual(['error'])
    })

  test('of a guest that does not run says what it does', async () => {
    await t.cell.servers.update(server.uuid, { powerState: 6 })
    await live(null)
    expect(await t.settled(server.uuid)).toMatchObject({ vmState: 'active', host: server.host })
    await expect
      .poll(async () => (await t.cell.faults.latestOf([server.uuid])).get(server.uuid)?.message)
      .toBe(`Instance ${server.uuid} in power_state crashed. Cannot live migrate while the instance is in this state.`)
  })

  let request: string
  const slowMove = async () => {
    await t.close()
    await begin({ settings: { timings: { scale: 1, stage: 0, spawn: 0, destroy: 0, move: 20_000 } } })
    request = await live(null)
    await expect.poll(async () => (await t.cell.migrations.ofServer(server.uuid, ['running']))[0]?.status).toBe('running')
    return (await t.cell.migrations.inStatus(server.uuid, 'running'))!.id
  }

  test('that is aborted stays where it is, at once', async () => {
    const id = await slowMove()
    const { uuid, host } = server
    expect(await t.events(uuid, request)).toContain(`compute_live_migration ${host} Success`)
    await t.act(uuid, null, 'live_migration_abort', { migration_id: id })
    expect(await t.settled(uuid)).toMatchObject({ vmState: 'active', host })
    await expect.poll(async () => (await t.cell.migrations.find(id))!.status).toBe('cancelled')
    expect(await boundTo(uuid)).toEqual([host])
  })

  test('that is told to complete waits no longer', async () => {
    const id = await slowMove()
    const { uuid, host } = server
    await t.act(uuid, null, 'live_migration_force_complete')
    expect(await t.settled(uuid)).toMatchObject({ vmState: 'active', powerState: 1, host: other(host) })
    await expect.poll(async () => (await t.cell.migrations.find(id))!.status).toBe('completed')
    expect(await boundTo(uuid)).toEqual([other(host)])
  })
})

describe('a rebuild', () => {
  const rebuild = (more = {}) => t.task(server.uuid, 'rebuilding', 'rebuild_instance', { ...body, host: server.host, ...more })
  const body = {
    new_pass: 'p',
    injected_files: [],
    image_ref: null,
    orig_image_ref: null,
    orig_sys_metadata: {},
    bdms: null,
    recreate: false,
    on_shared_storage: false,
    preserve_ephemeral: false,
    reimage_boot_volume: false,
    target_state: null,
  }

  test('in place', async () => {
    const request = await rebuild()
    expect(await t.settled(server.uuid)).toMatchObject({ vmState: 'active', powerState: 1, host: server.host })
    await expect
      .poll(() => t.events(server.uuid, request))
      .toEqual(['rebuild_server peer Success', `compute_rebuild_instance ${server.host} Success`])
  })

  test('with leave to reimage a boot volume that it does not have', async () => {
    await rebuild({ reimage_boot_volume: true })
    expect(await t.settled(server.uuid)).toMatchObject({ vmState: 'active' })
  })

  test('of a stopped server: it is stopped afterwards', async () => {
    await t.act(server.uuid, 'powering-off', 'stop_instance')
    await t.settled(server.uuid)
    const request = await rebuild()
    expect(await t.until(server.uuid, (one) => one?.vmState === 'stopped' && one.taskState === null, 'never stopped')).toMatchObject({
      powerState: 4,
    })
    await expect.poll(async () => (await t.events(server.uuid, request)).at(-1)).toBe(`compute_stop_instance ${server.host} Success`)
  })

  test('the fake driver cannot preserve ephemeral disks', async () => {
    const request = await rebuild({ preserve_ephemeral: true })
    await t.until(server.uuid, (one) => one?.vmState === 'error' && one.taskState === null, 'never in error')
    expect((await t.cell.faults.latestOf([server.uuid])).get(server.uuid)).toMatchObject({
      code: 400,
      message: 'The current driver does not support preserving ephemeral partitions.',
      details: '',
    })
    await expect
      .poll(() => t.events(server.uuid, request))
      .toEqual(['rebuild_server peer Success', `compute_rebuild_instance ${server.host} Error`])
  })

  test('from an image that needs what the host has not', async () => {
    const image = imageMetaFrom({ id: 'new', name: 'new', status: 'active', properties: { 'trait:HW_CPU_X86_AVX': 'required' } })
    const stored = RequestSpec.fromWire((await t.stores.api.requestSpecs.row(server.uuid))!.spec)
    const request_spec = RequestSpec.toWire({ ...stored, image })
    const request = await rebuild({ host: null, image_ref: 'new', orig_image_ref: server.imageRef, request_spec })
    await t.until(server.uuid, (one) => one?.vmState === 'error' && one.taskState === null, 'never in error')
    expect((await t.cell.faults.latestOf([server.uuid])).get(server.uuid)!.message).toMatch(
      /^No valid host was found. Image traits cannot be satis/,
    )
    await expect.poll(() => t.events(server.uuid, request)).toEqual(['rebuild_server peer Error'])
  })

  test('elsewhere, since the host is lost: an evacuation', async () => {
    const { uuid, host } = server
    await force(host!, { forcedDown: true })
    const id = await t.cell.migrations.create({
      uuid: 'e0000000-0000-4000-8000-000000000000',
      instanceUuid: uuid,
      status: 'accepted',
      migrationType: 'evacuation',
      sourceCompute: host,
      sourceNode: host,
    })
    await rebuild({ recreate: true, host: null, target_state: 'stopped', on_shared_storage: null })
    expect(await t.until(uuid, (one) => one?.vmState === 'stopped' && one.taskState === null, 'never there')).toMatchObject({
      host: other(host),
      node: other(host),
    })
    expect(await boundTo(uuid)).toEqual([other(host)])
    expect(await t.cell.migrations.find(id)).toMatchObject({ status: 'done', destCompute: other(host), destHost: '192.168.0.1' })
    await force(host!, { forcedDown: false })
    t.clock.ahead += 3_700_000
    await t.restart()
    await t.sweep()
    expect(await t.cell.migrations.find(id)).toMatchObject({ status: 'completed' })
  })
})

describe('shelving', () => {
  const shelve = async () => {
    const id = (await t.images.create({ name: 'box-shelved' })).id
    await t.act(server.uuid, 'shelving', 'shelve_instance', { image_id: id, clean_shutdown: true, accel_uuids: [] })
    return id
  }

  test('leaves the host, and comes back with its ports', async () => {
    const { uuid } = server
    const [port] = await t.ports(uuid)
    const image = await shelve()
    expect(await t.settled(uuid)).toMatchObject({
      vmState: 'shelved_offloaded',
      powerState: 4,
      host: null,
      node: null,
      availabilityZone: null,
    })
    expect(await t.images.show(image)).toMatchObject({ status: 'active' })
    expect((await t.ports(uuid))[0]).toMatchObject({ id: port!.id, 'binding:host_id': '', device_owner: 'compute:nova' })
    expect((await t.cell.systemMetadata.of([uuid])).get(uuid)).toMatchObject({ shelved_image_id: image, shelved_host: server.host })
    const request = await t.task(uuid, 'unshelving', 'unshelve_instance')
    const back = await t.settled(uuid)
    expect(back).toMatchObject({ vmState: 'active', powerState: 1, availabilityZone: 'nova' })
    expect(await boundTo(uuid)).toEqual([back.host])
    expect((await t.cell.systemMetadata.of([uuid])).get(uuid)).not.toHaveProperty('shelved_image_id')
    await expect.poll(() => t.images.show(image)).toBeUndefined()
    await expect
      .poll(() => t.events(uuid, request))
      .toEqual(['get_image_info peer Success', 'schedule_instances peer Success', `compute_unshelve_instance ${back.host} Success`])
    expect(t.errors).toEqual([])
  })

  test('stays on the host for a while where that is set, and is started there', async () => {
    await t.close()
    await begin({ settings: { shelvedOffloadSeconds: 600 } })
    const { uuid, host } = server
    await shelve()
    expect(await t.settled(uuid)).toMatchObject({ vmState: 'shelved', host })
    await t.task(uuid, 'unshelving', 'unshelve_instance')
    expect(await t.until(uuid, (one) => one?.vmState === 'active' && one.taskState === null, 'never started')).toMatchObject({
      host,
      powerState: 1,
    })
    await shelve()
    await t.settled(uuid)
    t.clock.ahead += 601_000
    await t.sweep()
    expect(await t.settled(uuid)).toMatchObject({ vmState: 'shelved_offloaded', host: null })
  })

  test('cannot come back without its image', async () => {
    const { uuid } = server
    const image = await shelve()
    await t.settled(uuid)
    await t.images.remove(image)
    await t.task(uuid, 'unshelving', 'unshelve_instance')
    expect(await t.settled(uuid)).toMatchObject({ vmState: 'error' })
    expect((await t.cell.faults.latestOf([uuid])).get(uuid)).toMatchObject({
      message: `Unshelve attempted but the image ${image} cannot be found.`,
      code: 404,
    })
  })
})

/** The server's request spec, with a host that will not do. */
async function avoiding(host: string) {
  const spec = (await t.stores.api.requestSpecs.find(server.uuid))!
  return { ...spec, 'nova_object.data': { ...spec['nova_object.data'], ignore_hosts: [host] } }
}

async function force(host: string, values: { forcedDown: boolean }) {
  const service = (await t.cell.services.find(host, 'nova-compute'))!
  await t.cell.services.update(service.id, values)
}
