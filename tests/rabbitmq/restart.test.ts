/** A broker that is killed, stays away and comes back: what was accepted is not lost, what was not is told in time, and all go on by themselves. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { RequestContext } from '../../src/oslo/context.ts'
import type { Driver } from '../../src/oslo/messaging/driver.ts'
import { type RpcClient, rpcClient } from '../../src/oslo/messaging/rpc-client.ts'
import { rpcServer } from '../../src/oslo/messaging/rpc-server.ts'
import { openTransport } from '../../src/oslo/messaging/transport.ts'
import { type RabbitBroker, rabbitBroker, user } from '../support/rabbitmq.ts'
import { farm } from '../support/servers.ts'
import { closeAll, keep, pause } from './support.ts'

let broker: RabbitBroker
beforeAll(async () => {
  broker = await rabbitBroker()
  await broker.start()
})
afterAll(() => broker.remove())
afterEach(closeAll)

const driver = (query = ''): Driver => keep(openTransport(`rabbit://${user}@127.0.0.1:${broker.port}/${query}`))
const context = {
  roles: [],
  catalog: [],
  serviceRoles: [],
  timestamp: '2026-01-01T00:00:00',
  requestId: 'req-1',
} as unknown as RequestContext
/** Of its own for each test: queues that are there cannot be had with other properties. */
const targetOf = (topic: string) => ({ topic, server: 'h1', version: '6.0' })

/** A compute that remembers what it was told. */
async function compute(through: Driver, topic: string) {
  const done: number[] = []
  const methods = {
    note: (_: unknown, { number }: Readonly<Record<string, unknown>>) => void done.push(number as number),
    answer: () => 'here',
    slow: async () => {
      await pause(3_500)
      return 'at last'
    },
  }
  const server = await rpcServer({
    driver: through,
    topic,
    server: 'h1',
    endpoints: [{ version: '6.0', methods }],
    report: () => {},
  })
  keep({ close: () => server.stop() })
  return done
}

/** One that is tried for two seconds. */
const clientOf = (through: Driver): RpcClient => keep(rpcClient(through, { sendTimeoutMs: 2_000, responseTimeoutMs: 5_000 }))

test('a call that runs long is waited for as long as there are signs of life', async () => {
  const target = targetOf('slow')
  await compute(driver(), target.topic)
  const client = clientOf(driver())
  expect(await client.call(target, context, 'slow', {}, { timeoutMs: 10_000, monitorMs: 2_000 })).toBe('at last')
  await expect(client.call(target, context, 'slow', {}, { timeoutMs: 1_000 })).rejects.toMatchObject({ name: 'MessagingTimeout' })
})

describe('killed in the middle of a stream of casts', () => {
  test('durable queues: what was accepted is done, once; what was not is told in time', async () => {
    const query = '?rabbit_quorum_queue=true'
    const target = targetOf('lasting')
    const done = await compute(driver(query), target.topic)
    const client = clientOf(driver(query))
    await client.call(target, context, 'answer', {})
    const accepted = new Set<number>()
    const slowest = { ms: 0 }
    let refused = 0
    let stop = false
    const stream = (async () => {
      const all: Promise<void>[] = []
      for (let number = 0; !stop; number++) {
        const start = performance.now()
        const settle = () => {
          slowest.ms = Math.max(slowest.ms, performance.now() - start)
        }
        const sent = client.cast(target, context, 'note', { number }).then(
          () => accepted.add(number),
          () => refused++,
        )
        all.push(sent.then(settle))
        await pause(5)
      }
      await Promise.all(all)
    })()
    await pause(1_000)
    await broker.kill()
    await pause(3_000)
    await broker.start()
    await vi.waitFor(async () => expect(await client.call(target, context, 'answer', {})).toBe('here'), { timeout: 30_000 })
    await pause(500)
    stop = true
    await stream
    await vi.waitFor(() => expect([...accepted].filter((number) => !done.includes(number))).toEqual([]), { timeout: 20_000 })
    expect(done.length).toBe(new Set(done).size)
    expect(accepted.size).toBeGreaterThan(100)
    expect(refused).toBeGreaterThan(0)
    expect(slowest.ms).toBeLessThan(3_500)
  })

  test('queues that a broker forgets: everybody is back by himself', async () => {
    const target = targetOf('forgotten')
    const done = await compute(driver(), target.topic)
    const client = clientOf(driver())
    await client.cast(target, context, 'note', { number: 1 })
    // what is still in such a queue goes with the broker
    await vi.waitFor(() => expect(done).toEqual([1]))
    await broker.kill()
    await expect(client.cast(target, context, 'note', { number: 2 })).rejects.toMatchObject({ name: 'MessageDeliveryFailure' })
    await broker.start()
    // whoever is back first finds no queue yet, and waits for it
    await vi.waitFor(() => client.cast(target, context, 'note', { number: 3 }), { timeout: 30_000 })
    await vi.waitFor(() => expect(done).toEqual([1, 3]))
    expect(await client.call(target, context, 'answer', {})).toBe('here')
  })
})

describe('the API without its broker', () => {
  test('answers 503 in time, leaves the server as it was, and goes on when the broker is back', async () => {
    const house = await farm({}, { driver: openTransport(`rabbit://${user}@127.0.0.1:${broker.port}/`), sendTimeoutMs: 2_000 })
    try {
      const id = await house.server()
      const stop = () => house.api.call('2.1', `POST /servers/${id}/action`, { 'os-stop': null })
      await broker.kill()
      const start = performance.now()
      const answer = await stop()
      expect([answer.status, answer.body.serviceUnavailable?.code]).toEqual([503, 503])
      expect(performance.now() - start).toBeLessThan(4_000)
      expect(await house.row(id)).toMatchObject({ vmState: 'active', taskState: null })
      await broker.start()
      await vi.waitFor(async () => expect((await stop()).status).toBe(202), { timeout: 30_000 })
      expect(await house.row(id)).toMatchObject({ taskState: 'powering-off' })
      await vi.waitFor(() => expect(house.messages).toMatchObject([{ to: 'compute.host1', method: 'stop_instance' }]), { timeout: 5_000 })
    } finally {
      await house.close()
    }
  })
})
