import { afterEach, expect, test } from 'vitest'
import { type TestCell, testCell } from '../../../tests/support/cell/cell.ts'
import { flavorOf } from '../../../tests/support/cell/requests.ts'
import type { Resources } from '../../peers/placement-hosts.ts'
import type { Server } from '../../stores/cell/servers.ts'

let t: TestCell
afterEach(() => t.close())

const big = flavorOf({ id: 8, name: 'm1.big', flavorid: 'big', memory_mb: 256, vcpus: 2, root_gb: 2, swap: 1025 })
const small: Resources = { VCPU: 1, MEMORY_MB: 128, DISK_GB: 1 }
const large: Resources = { VCPU: 2, MEMORY_MB: 256, DISK_GB: 4 }
const other = (host: string | null) => (host === 'fake1' ? 'fake2' : 'fake1')

/** Who takes what, by host. */
async function taken(): Promise<Record<string, Record<string, Resources>>> {
  const nodes = await t.cell.computeNodes.list()
  const entries = nodes.map(async ({ uuid, host }) => [host, Object.fromEntries(await t.peers.hostPlacement.allocationsOn(uuid!))])
  return Object.fromEntries(await Promise.all(entries))
}
const become = (wanted: Record<string, Record<string, Resources>>) => expect.poll(taken, { timeout: 3000 }).toEqual(wanted)

test('a server takes of its host while it is there', async () => {
  t = await testCell()
  const [server] = (await t.create()) as [Server]
  await become({ [server.host!]: { [server.uuid]: small }, [other(server.host)]: {} })
  await t.act(server.uuid, 'deleting', 'terminate_instance', { bdms: null })
  await t.gone(server.uuid)
  await become({ fake1: {}, fake2: {} })
})

test('one that is resized takes of both hosts until that is answered: confirm and revert', async () => {
  t = await testCell()
  const [server] = (await t.create({ spec: { force_hosts: ['fake1'] } })) as [Server]
  const { uuid } = server
  const spec = { ...(await t.stores.api.requestSpecs.find(uuid)) } as { 'nova_object.data': Record<string, unknown> }
  spec['nova_object.data'] = { ...spec['nova_object.data'], ignore_hosts: ['fake1'], force_hosts: null }
  await t.resize(uuid, big, { request_spec: spec })
  await t.settled(uuid)
  const migration = (await t.cell.migrations.inStatus(uuid, 'finished'))!
  await become({ fake1: { [migration.uuid!]: small }, fake2: { [uuid]: large } })
  await t.answerResize(uuid, 'revert')
  await become({ fake1: { [uuid]: small }, fake2: {} })
  await t.settled(uuid)
  await t.resize(uuid, big, { request_spec: spec })
  await t.until(uuid, (one) => one?.vmState === 'resized' && one.taskState === null, 'never resized')
  await t.answerResize(uuid, 'confirm')
  await become({ fake1: {}, fake2: { [uuid]: large } })
})

test('one that moves while it runs is told where it is then', async () => {
  t = await testCell()
  const [{ uuid, host }] = (await t.create()) as [Server]
  await t.task(uuid, 'migrating', 'live_migrate_instance', {
    scheduler_hint: { host: null },
    block_migration: null,
    disk_over_commit: null,
  })
  await t.settled(uuid)
  await become({ [other(host)]: { [uuid]: small }, [host!]: {} })
})

test('what Placement could not be told is told at the next look', async () => {
  let broken = false
  t = await testCell({ failing: (_, path) => broken && path.startsWith('/allocations') })
  broken = true
  const [{ uuid, host }] = (await t.create()) as [Server]
  await expect.poll(() => t.errors.length).toBeGreaterThan(0)
  expect(await taken()).toEqual({ fake1: {}, fake2: {} })
  broken = false
  await t.restart()
  await become({ [host!]: { [uuid]: small }, [other(host)]: {} })
})

test('the cell starts without it, and tells it as soon as it is there', { timeout: 20_000 }, async () => {
  let broken = true
  setTimeout(() => {
    broken = false
  }, 300)
  t = await testCell({ failing: (_, path) => broken && path.startsWith('/resource_providers') })
  await become({ fake1: {}, fake2: {} })
})
