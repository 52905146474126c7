import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type TestCell, testCell } from '../../../tests/support/cell/cell.ts'
import { contextOf } from '../../../tests/support/cell/people.ts'
import type { Server } from '../../stores/cell/servers.ts'
import { checkedRule, type FaultState, openFaults, parseWish } from './faults.ts'

let t: TestCell
const ask = (method: string, args: Record<string, unknown> = {}) =>
  t.rpc.call({ topic: 'nova-ts-faults', version: '1.0' }, contextOf('root'), method, args as never) as Promise<
    FaultState & { hosts: string[] }
  >
const add = (rule: Record<string, unknown>) => ask('add', { rule })
const faultOf = async (uuid: string) => (await t.cell.faults.latestOf([uuid])).get(uuid)?.message
const create = async (metadata?: Record<string, string>): Promise<Server> => {
  const { uuids, send } = await t.request({ networks: [{ network_id: t.sharedId }], ...(metadata && { metadata }) })
  await send()
  return t.settled(uuids[0]!)
}
const reboot = (uuid: string) => t.act(uuid, 'rebooting', 'reboot_instance', { reboot_type: 'SOFT', block_device_info: null })

describe('an action', () => {
  beforeEach(async () => {
    t = await testCell({ random: () => 0 })
  })
  afterEach(() => t.close())

  test('that fails once is tried on another host', async () => {
    expect((await add({ action: 'spawn', effect: 'fail', times: 1 })).rules).toHaveLength(1)
    const { vmState, uuid } = await create()
    expect(vmState).toBe('active')
    expect((await ask('list')).rules).toEqual([])
    expect(await t.ports(uuid)).toHaveLength(1)
  })

  test('that fails everywhere leaves the server in error, as a build does that no host could do', async () => {
    await add({ action: 'spawn', effect: 'fail', message: 'no power' })
    const { vmState, host, uuid } = await create()
    expect([vmState, host]).toEqual(['error', null])
    expect(await faultOf(uuid)).toMatch(/^Exceeded maximum number of retries\. Exhausted all hosts/)
    expect(await t.ports(uuid)).toEqual([])
  })

  test('that fails says what it was told to, and the state stays', async () => {
    const { uuid } = await create()
    await add({ action: 'reboot', effect: 'fail', message: 'the button is stuck' })
    await reboot(uuid)
    expect(await t.settled(uuid)).toMatchObject({ vmState: 'active', powerState: 1 })
    await expect.poll(() => faultOf(uuid)).toBe('the button is stuck')
    await t.act(uuid, 'powering-off', 'stop_instance', { clean_shutdown: true })
    await t.settled(uuid)
    await t.act(uuid, 'rebooting_hard', 'reboot_instance', { reboot_type: 'HARD', block_device_info: null })
    expect(await t.settled(uuid)).toMatchObject({ vmState: 'error', powerState: 4 })
  })

  test('of one host or one server leaves the others alone', async () => {
    const [one, two] = [await create(), await create()]
    await add({ action: 'reboot', effect: 'fail', host: 'fake1', server: 'nobody' })
    await reboot(one.uuid)
    expect(await t.settled(one.uuid)).toMatchObject({ vmState: 'active' })
    await ask('clear')
    await add({ action: 'reboot', effect: 'fail', server: two.uuid, times: 1 })
    await reboot(one.uuid)
    await t.settled(one.uuid)
    expect((await ask('list')).rules).toMatchObject([{ server: two.uuid, times: 1 }])
    await reboot(two.uuid)
    await t.settled(two.uuid)
    await expect.poll(async () => (await ask('list')).rules).toEqual([])
  })

  test('of a server with a word in its metadata', async () => {
    const { vmState, uuid } = await create({ 'nova-ts:spawn': 'fail 1', 'nova-ts:reboot': 'slow 0.2' })
    expect(vmState).toBe('active')
    const begin = performance.now()
    await reboot(uuid)
    await t.settled(uuid)
    expect(performance.now() - begin).toBeGreaterThan(200)
    expect((await create({ 'nova-ts:spawn': 'fail' })).vmState).toBe('error')
    expect((await create({ 'nova-ts:spawn': 'whatever' })).vmState).toBe('active')
  })

  test('that is slow takes longer', async () => {
    await add({ action: 'spawn', effect: 'slow', seconds: 0.3 })
    const begin = performance.now()
    expect((await create()).vmState).toBe('active')
    expect(performance.now() - begin).toBeGreaterThan(300)
  })

  test('and what is set outlive the process', async () => {
    await add({ action: 'spawn', effect: 'fail' })
    const { rules } = await add({ action: 'pause', effect: 'slow', seconds: 1 })
    await ask('set_host', { host: 'fake2', down: true })
    await t.restart()
    expect(await ask('list')).toEqual({ rules, hostsDown: ['fake2'], hosts: ['fake1', 'fake2'] })
    await ask('remove', { id: rules[0]!.id })
    expect((await ask('list')).rules).toEqual([rules[1]])
  })

  const refused: [rule: Record<string, unknown>, reason: RegExp][] = [
    [{ action: 'fly', effect: 'fail' }, /there is no action fly; there are spawn, /],
    [{ action: 'spawn', effect: 'explode' }, /can fail or be slow/],
    [{ action: 'spawn', effect: 'slow' }, /0 to 86400 seconds/],
    [{ action: 'spawn', effect: 'slow', seconds: 86_401 }, /0 to 86400 seconds/],
    [{ action: 'spawn', effect: 'fail', times: 0 }, /once or more often/],
    [{ action: 'spawn', effect: 'fail', host: 'fake9' }, /there is no host fake9; there are fake1, fake2/],
  ]
  test('that makes no sense is refused', async () => {
    for (const [rule, reason] of refused) await expect(add(rule)).rejects.toMatchObject({ className: 'InvalidInput', message: reason })
    await expect(ask('remove', { id: 5 })).rejects.toThrow(/there is no fault 5/)
    await expect(ask('set_host', { host: 'fake9', down: true })).rejects.toThrow(/there is no host fake9/)
    expect((await ask('list')).rules).toEqual([])
  })
})

describe('a host that is down', () => {
  let server: Server
  beforeEach(async () => {
    t = await testCell({ settings: { graceSeconds: 15 } })
    server = await create()
    await ask('set_host', { host: server.host, down: true })
  })
  afterEach(() => t.close())
  const isUp = async () => {
    const { lastSeenUp } = (await t.cell.services.find(server.host!, 'nova-compute'))!
    return Date.parse(`${lastSeenUp!.replace(' ', 'T')}Z`) > t.clock.now() - 60_000
  }

  test('says nothing, gets no new servers, and does not hear what is sent to it', async () => {
    expect(await isUp()).toBe(false)
    const servers = await t.create({ count: 3 })
    expect(servers.filter(({ host }) => host === server.host)).toEqual([])
    await reboot(server.uuid)
    expect(await t.find(server.uuid)).toMatchObject({ taskState: 'rebooting' })
    t.clock.ahead += 120_000
    await t.sweep()
    expect(await t.find(server.uuid)).toMatchObject({ taskState: 'rebooting' })
    await ask('set_host', { host: server.host, down: false })
    expect(await t.settled(server.uuid)).toMatchObject({ vmState: 'active' })
    expect(await isUp()).toBe(true)
    expect(t.errors).toEqual([])
  })

  test('stays down when the cell starts anew', async () => {
    await t.restart()
    expect(await isUp()).toBe(false)
    await ask('set_host', { host: server.host, down: false })
    await reboot(server.uuid)
    expect(await t.settled(server.uuid)).toMatchObject({ vmState: 'active' })
  })

  test('may be set down or up twice', async () => {
    await ask('set_host', { host: server.host, down: true })
    await ask('set_host', { host: server.host, down: false })
    await ask('set_host', { host: server.host, down: false })
    await reboot(server.uuid)
    expect(await t.settled(server.uuid)).toMatchObject({ vmState: 'active' })
  })
})

const wishes: [text: string, wish: ReturnType<typeof parseWish>][] = [
  ['fail', { effect: 'fail', seconds: null, times: null }],
  [' fail  2 ', { effect: 'fail', seconds: null, times: 2 }],
  ['fail 0', undefined],
  ['fail 1.5', undefined],
  ['fail x', undefined],
  ['fail 1 1', undefined],
  ['slow', undefined],
  ['slow 0', { effect: 'slow', seconds: 0, times: null }],
  ['slow 2.5 3', { effect: 'slow', seconds: 2.5, times: 3 }],
  ['slow 86400', { effect: 'slow', seconds: 86_400, times: null }],
  ['slow 86401', undefined],
  ['slow -1', undefined],
  ['slow 1 0', undefined],
  ['slow 1 1 1', undefined],
  ['', undefined],
]
test.each(wishes)('%j in metadata', (text, wish) => expect(parseWish(text)).toEqual(wish))

test('numbers of faults are not used again while a later one is there', () => {
  const faults = openFaults({ wait: async () => {} })
  const rule = checkedRule({ action: 'spawn', effect: 'fail' }, new Set())
  expect([faults.add(rule).id, faults.add(rule).id]).toEqual([1, 2])
  expect(faults.remove(1)).toBe(true)
  expect(faults.remove(1)).toBe(false)
  expect(faults.add(rule).id).toBe(3)
})
