import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TestCell, testCell } from '../../../tests/support/cell/cell.ts'
import { contextOf } from '../../../tests/support/cell/people.ts'
import { flavorOf } from '../../../tests/support/cell/requests.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { birthOf } from './conductor/birth.ts'
import { computeTask } from './targets.ts'
import { instanceToWire } from './wire.ts'

let t: TestCell
beforeEach(async () => {
  t = await testCell({ cells: 2 })
})
afterEach(() => t.close())

const mapped = async (uuid: string) => {
  const { cellId } = (await t.stores.api.serverMappings.find(uuid))!
  return (await t.stores.cells.all()).find(({ id }) => id === cellId)?.name
}
const there = async (): Promise<Server> => (await t.create({ spec: { force_hosts: ['cell2-fake1'] } }))[0]!
const disable = async (name: string) => t.stores.api.cellMappings.update(t.cellNamed(name).id, { disabled: true })
const big = flavorOf({ id: 8, name: 'm1.big', flavorid: 'big', memory_mb: 256, vcpus: 2, root_gb: 2 })

describe('two cells', () => {
  test('each have their hosts and a conductor, and the first has the scheduler', async () => {
    const names = async (cell: string) => (await t.cellNamed(cell).services.list()).map(({ binary, host }) => `${binary} ${host}`).sort()
    expect(await names('cell1')).toEqual(['nova-compute fake1', 'nova-compute fake2', 'nova-conductor peer', 'nova-scheduler peer'])
    expect(await names('cell2')).toEqual(['nova-compute cell2-fake1', 'nova-compute cell2-fake2', 'nova-conductor cell2-controller'])
  })

  test('servers are spread over the hosts of both, and each is in its own cell alone', async () => {
    const servers = await t.create({ count: 4, networks: [{ network_id: t.sharedId }] })
    expect(servers.map(({ host }) => host).sort()).toEqual(['cell2-fake1', 'cell2-fake2', 'fake1', 'fake2'])
    for (const { uuid, host, vmState } of servers) {
      expect(vmState).toBe('active')
      const name = host!.startsWith('cell2') ? 'cell2' : 'cell1'
      expect(await mapped(uuid)).toBe(name)
      for (const cell of ['cell0', 'cell1', 'cell2'])
        expect((await t.cellNamed(cell).servers.find(uuid, { deletedToo: true })) !== undefined).toBe(cell === name)
    }
    expect(t.errors).toEqual([])
  })

  test('one that is disabled gets no new servers, save where it is named', async () => {
    await disable('cell1')
    const servers = await t.create({ count: 3 })
    expect(servers.filter(({ host }) => !host!.startsWith('cell2'))).toEqual([])
  })

  test('a hint at a server holds over both', async () => {
    await disable('cell2')
    const [first] = (await t.create()) as [Server]
    await t.stores.api.cellMappings.update(t.cellNamed('cell2').id, { disabled: false })
    const hint = { different_host: [first.uuid] }
    const servers = await t.create({ count: 3, spec: { scheduler_hints: hint } })
    expect(servers.filter(({ host }) => host === first.host)).toEqual([])
  })

  test('a build that fails goes on in its cell, and not in the other', async () => {
    await fault('add', { rule: { action: 'spawn', effect: 'fail', host: 'cell2-fake1' } })
    await fault('add', { rule: { action: 'spawn', effect: 'fail', host: 'cell2-fake2' } })
    await disable('cell1')
    const { uuids, send } = await t.request({ networks: [{ network_id: t.sharedId }] })
    await send()
    expect(await t.settled(uuids[0]!)).toMatchObject({ vmState: 'error', host: null })
    expect(await mapped(uuids[0]!)).toBe('cell2')
    expect(await t.ports(uuids[0]!)).toEqual([])
  })

  test('what no host takes is buried in cell0', async () => {
    const [server] = (await t.create({ flavor: { memory_mb: 10_000_000 } })) as [Server]
    expect(server.vmState).toBe('error')
    expect(await mapped(server.uuid)).toBe('cell0')
  })
})

const fault = (method: string, args: Record<string, unknown>) =>
  t.rpc.call({ topic: 'nova-ts-faults', version: '1.0' }, contextOf('root'), method, args as never)

describe('a server of the second cell', () => {
  test('that a crash cut off before its cell was noted is built where it is', async () => {
    const { uuids, context, send } = await t.request()
    const [uuid] = uuids as [string]
    const request = (await t.stores.api.requests.find(uuid))!
    await t.cellNamed('cell2').births.create(birthOf({ request, context, ids: { uuid: () => crypto.randomUUID() }, zone: 'nova' }))
    await disable('cell2')
    await send()
    expect(await t.settled(uuid)).toMatchObject({ vmState: 'active', host: expect.stringMatching(/^cell2-/) })
    expect(await t.cell.servers.find(uuid, { deletedToo: true })).toBeUndefined()
  })

  test('that nobody sent on is given up once', async () => {
    const { uuids } = await t.request()
    t.clock.ahead += 3_700_000
    await t.sweep()
    expect(await mapped(uuids[0]!)).toBe('cell0')
    expect(await t.cellNamed('cell0').servers.find(uuids[0]!)).toMatchObject({ vmState: 'error' })
  })

  test('is resized to the other host of its cell', async () => {
    const { uuid } = await there()
    await t.actingIn('cell2').resize(uuid, big)
    expect(await t.settled(uuid)).toMatchObject({ vmState: 'resized', host: expect.stringMatching(/^cell2-/) })
    const cell = t.cellNamed('cell2')
    expect(await cell.migrations.inStatus(uuid, 'finished')).toMatchObject({ destCompute: expect.stringMatching(/^cell2-/) })
  })

  test('moves live within its cell, and not to a host of the other', async () => {
    const server = await there()
    const spec = await t.stores.api.requestSpecs.find(server.uuid)
    const args = { request_spec: spec, block_migration: null, disk_over_commit: null }
    const asked = (host: string | null) =>
      t.rpc.call(computeTask('1.25'), contextOf('root'), 'migrate_server', {
        ...args,
        instance: instanceToWire(server),
        scheduler_hint: { host },
        live: true,
        rebuild: false,
        flavor: null,
        reservations: null,
      })
    await t.cellNamed('cell2').servers.update(server.uuid, { taskState: 'migrating' })
    await expect(asked('fake1')).rejects.toMatchObject({ className: 'ComputeHostNotFound' })
    await t.cellNamed('cell2').servers.update(server.uuid, { taskState: 'migrating' })
    await asked(null)
    expect(await t.settled(server.uuid)).toMatchObject({ vmState: 'active', host: 'cell2-fake2' })
  })

  test('is evacuated within its cell', async () => {
    const server = await there()
    await fault('set_host', { host: 'cell2-fake1', down: true })
    await t.actingIn('cell2').task(server.uuid, 'rebuilding', 'rebuild_instance', {
      recreate: true,
      host: null,
      on_shared_storage: null,
      orig_image_ref: null,
      image_ref: '',
    })
    expect(await t.until(server.uuid, (one) => one?.host === 'cell2-fake2' && one.taskState === null, 'never there')).toMatchObject({
      vmState: 'active',
    })
  })
})
