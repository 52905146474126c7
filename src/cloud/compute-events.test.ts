import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ComputeEvents, computeEvents } from './compute-events.ts'

let server: Server
let events: ComputeEvents
let status = 200
const seen: { path: string; token: string; body: unknown }[] = []
const warnings: string[] = []

beforeEach(async () => {
  seen.length = 0
  warnings.length = 0
  server = createServer(async (message, answer) => {
    let text = ''
    for await (const chunk of message) text += chunk
    seen.push({ path: `${message.method} ${message.url}`, token: String(message.headers['x-auth-token']), body: JSON.parse(text) })
    answer.writeHead(status).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2.1`
  events = computeEvents({ url, token: async () => 'mine', warn: (message) => void warnings.push(message), delayMs: 10 })
})
afterEach(() => {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(resolve))
})

async function told(): Promise<void> {
  await delay(30)
  await events.close()
}

test('events of a moment go together, those of a later one after them', async () => {
  status = 200
  events.notify({ name: 'network-vif-plugged', serverId: 's1', portId: 'p1' })
  events.notify({ name: 'network-changed', serverId: 's2', portId: 'p2' })
  await told()
  events.notify({ name: 'network-vif-deleted', serverId: 's1', portId: 'p1' })
  await told()
  expect(seen.map(({ path, token }) => [path, token])).toEqual(Array(2).fill(['POST /v2.1/os-server-external-events', 'mine']))
  expect(seen.map(({ body }) => body)).toEqual([
    {
      events: [
        { name: 'network-vif-plugged', server_uuid: 's1', tag: 'p1', status: 'completed' },
        { name: 'network-changed', server_uuid: 's2', tag: 'p2', status: 'completed' },
      ],
    },
    { events: [{ name: 'network-vif-deleted', server_uuid: 's1', tag: 'p1', status: 'completed' }] },
  ])
  expect(warnings).toEqual([])
})

const answers: [status: number, warned: boolean][] = [
  [200, false],
  [207, false],
  [404, false],
  [403, true],
  [503, true],
]
for (const [code, warned] of answers)
  test(`an answer of ${code} is ${warned ? '' : 'not '}worth a warning`, async () => {
    status = code
    events.notify({ name: 'network-changed', serverId: 's', portId: 'p' })
    await told()
    expect(warnings).toEqual(warned ? [`The compute API does not take events: ${code}`] : [])
  })

test('an API that is not there is told of, and not waited for', async () => {
  const gone = computeEvents({
    url: 'http://127.0.0.1:1/v2.1',
    token: async () => 'mine',
    warn: (text) => void warnings.push(text),
    delayMs: 0,
  })
  gone.notify({ name: 'network-changed', serverId: 's', portId: 'p' })
  await delay(20)
  await gone.close()
  expect(warnings).toEqual([expect.stringContaining('could not be told of events')])
})
