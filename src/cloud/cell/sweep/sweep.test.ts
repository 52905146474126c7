import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TestCell, testCell } from '../../../../tests/support/cell/cell.ts'
import { flavorOf } from '../../../../tests/support/cell/requests.ts'
import type { Server } from '../../../stores/cell/servers.ts'
import type { TaskState, VmState } from '../states.ts'

let t: TestCell
beforeEach(async () => {
  t = await testCell({ settings: { graceSeconds: 15 } })
})
afterEach(() => t.close())

/** Lets so much time pass that what rests is nobody's any more. */
async function later(seconds = 16): Promise<void> {
  t.clock.ahead += seconds * 1000
  await t.sweep()
}

const fault = async (uuid: string) => (await t.cell.faults.latestOf([uuid])).get(uuid)?.message

describe('a request that nobody sent on', () => {
  test('is given up after a while, with a reason, and not before', async () => {
    const { uuids } = await t.request()
    const [uuid] = uuids as [string]
    await later(14)
    expect(await t.stores.api.requests.find(uuid)).toBeDefined()
    await later(2)
    expect(await t.find(uuid)).toMatchObject({ cellId: t.cell0.id, vmState: 'error', userId: 'ann' })
    expect((await t.cell0.faults.latestOf([uuid])).get(uuid)?.message).toBe(
      `Build of instance ${uuid} aborted: the request was interrupted before a host was chosen`,
    )
    expect(await t.stores.api.requests.find(uuid)).toBeUndefined()
  })

  test('is not taken up twice when it comes after all', async () => {
    const { uuids, send } = await t.request()
    await later()
    await send()
    await t.create()
    expect(await t.find(uuids[0]!)).toMatchObject({ cellId: t.cell0.id, vmState: 'error' })
    expect(await t.cell.servers.find(uuids[0]!)).toBeUndefined()
  })
})

describe('a server whose message was lost', () => {
  let server: Server
  beforeEach(async () => {
    ;[server] = (await t.create({ networks: [{ network_id: t.sharedId }] })) as [Server]
  })

  const rows: [task: TaskState, from: VmState, to: VmState, power: number][] = [
    ['powering-off', 'active', 'stopped', 4],
    ['powering-on', 'stopped', 'active', 1],
    ['rebooting', 'active', 'active', 1],
    ['rebooting_hard', 'error', 'active', 1],
    ['reboot_started_hard', 'active', 'active', 1],
    ['pausing', 'active', 'active', 1],
    ['unpausing', 'paused', 'active', 1],
    ['suspending', 'active', 'suspended', 1],
    ['resuming', 'suspended', 'active', 1],
    ['rescuing', 'active', 'active', 1],
    ['unrescuing', 'rescued', 'active', 1],
    ['image_snapshot_pending', 'active', 'active', 1],
    ['image_backup', 'active', 'active', 1],
    ['resize_prep', 'active', 'active', 1],
    ['resize_migrating', 'active', 'active', 1],
    ['migrating', 'active', 'active', 1],
    ['rebuilding', 'active', 'error', 1],
    ['rebuild_spawning', 'stopped', 'error', 1],
    ['updating_password', 'active', 'active', 1],
    ['shelving', 'active', 'active', 1],
    ['shelving_offloading', 'shelved', 'shelved_offloaded', 1],
    ['soft-deleting', 'active', 'soft-delete', 1],
    ['restoring', 'soft-delete', 'active', 1],
    ['networking', 'building', 'error', 1],
  ]
  test('goes on or goes back, as its task state says', async () => {
    for (const [task, from, to] of rows) {
      await t.cell.servers.update(server.uuid, { vmState: from, taskState: task, host: server.host, node: server.node })
      await later()
      expect([task, (await t.find(server.uuid))?.taskState, (await t.find(server.uuid))?.vmState]).toEqual([task, null, to])
    }
  })

  test('in error says why', async () => {
    await t.cell.servers.update(server.uuid, { taskState: 'rebuilding' })
    await later()
    expect(await fault(server.uuid)).toBe(`Build of instance ${server.uuid} aborted: it was interrupted in the task state rebuilding`)
  })

  test('is deleted, with its ports', async () => {
    await t.cell.servers.update(server.uuid, { taskState: 'deleting' })
    await later()
    expect(await t.find(server.uuid)).toBeUndefined()
    expect(await t.ports(server.uuid)).toEqual([])
  })

  test('is not touched while it may still come', async () => {
    await t.cell.servers.update(server.uuid, { taskState: 'powering-off' })
    await later(14)
    expect(await t.find(server.uuid)).toMatchObject({ taskState: 'powering-off' })
  })

  test('was to be built: its ports go back, and it is on no host that counts it', async () => {
    await t.cell.servers.update(server.uuid, { vmState: 'building', taskState: 'spawning', launchedAt: null })
    await later()
    expect(await t.find(server.uuid)).toMatchObject({ vmState: 'error', taskState: null })
    expect(await t.ports(server.uuid)).toEqual([])
  })

  test('was resized: it is finished, or given back', async () => {
    const { uuid, host } = server
    await t.resize(uuid, flavorOf({ id: 8, memory_mb: 256 }))
    const resized = await t.settled(uuid)
    const [migration] = await t.cell.migrations.ofServer(uuid, ['finished'])
    await t.cell.migrations.update(migration!.id, { status: 'post-migrating' })
    await t.cell.servers.update(uuid, { vmState: 'active', taskState: 'resize_migrated' })
    await later()
    expect(await t.find(uuid)).toMatchObject({ vmState: 'resized', taskState: null, host: resized.host })
    expect((await t.cell.migrations.find(migration!.id))!.status).toBe('finished')
    await t.cell.migrations.update(migration!.id, { status: 'reverting' })
    await t.cell.servers.update(uuid, { taskState: 'resize_reverting' })
    await later()
    expect(await t.until(uuid, (one) => one?.taskState === null, 'never back')).toMatchObject({ vmState: 'active', host, memoryMb: 128 })
  })

  test('was to be confirmed', async () => {
    const { uuid } = server
    await t.resize(uuid, flavorOf({ id: 8, memory_mb: 256 }))
    await t.settled(uuid)
    const [migration] = await t.cell.migrations.ofServer(uuid, ['finished'])
    await later()
    expect((await t.cell.migrations.find(migration!.id))!.status).toBe('finished')
    await t.cell.migrations.update(migration!.id, { status: 'confirming' })
    await later()
    expect(await t.find(uuid)).toMatchObject({ vmState: 'active', memoryMb: 256 })
    expect((await t.cell.migrations.find(migration!.id))!.status).toBe('confirmed')
  })

  test('a move of a server that does not move is over', async () => {
    const id = await t.cell.migrations.create({
      uuid: crypto.randomUUID(),
      instanceUuid: server.uuid,
      status: 'running',
      migrationType: 'live-migration',
    })
    await later()
    expect((await t.cell.migrations.find(id))!.status).toBe('error')
  })
})

describe('ports', () => {
  test('of a server that is gone: what was made for it goes, what its user made is let go of', async () => {
    const port = await t.ann.create('ports', { network_id: t.sharedId, name: 'mine' })
    t.clock.ahead += 2000
    const [server] = (await t.create({ networks: [{ network_id: t.sharedId }, { port_id: port.id }] })) as [Server]
    expect(await t.ports(server.uuid)).toHaveLength(2)
    t.clock.ahead += 2000
    const minimal = await t.peers.neutron.own.create('ports', { network_id: t.sharedId, device_id: server.uuid, tenant_id: 'one' })
    await t.cell.servers.destroy(server.uuid)
    await later()
    expect(await t.ports(server.uuid)).toHaveLength(0)
    expect(await t.ann.show('ports', port.id)).toMatchObject({ device_id: '', device_owner: '' })
    expect(await t.ann.show('ports', minimal.id)).toBeUndefined()
  })

  test('of a server that is there, and of devices that are no servers, stay', async () => {
    const [server] = (await t.create({ networks: [{ network_id: t.sharedId }] })) as [Server]
    const foreign = await t.ann.create('ports', { network_id: t.sharedId, device_id: crypto.randomUUID() })
    const router = await t.ann.create('ports', { network_id: t.sharedId, device_id: 'lb-1', device_owner: 'Octavia' })
    await later()
    expect(await t.ports(server.uuid)).toHaveLength(1)
    expect(await t.ann.show('ports', foreign.id)).toBeDefined()
    expect(await t.ann.show('ports', router.id)).toBeDefined()
  })
})

test('a deletion in cell0 that was cut off is finished', async () => {
  const [server] = (await t.create({ flavor: { memory_mb: 90_000_000 } })) as [Server]
  await t.cell0.servers.update(server.uuid, { taskState: 'deleting' })
  await later()
  expect(await t.find(server.uuid)).toBeUndefined()
})

test('soft-deleted servers are reclaimed when their time is over', async () => {
  await t.close()
  t = await testCell({ settings: { reclaimSeconds: 100 } })
  const [server] = (await t.create()) as [Server]
  await t.act(server.uuid, 'soft-deleting', 'soft_delete_instance')
  await t.settled(server.uuid)
  await later(90)
  expect(await t.find(server.uuid)).toBeDefined()
  await later(20)
  expect(await t.find(server.uuid)).toBeUndefined()
})
