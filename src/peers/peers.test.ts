import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import type { RequestContext } from '../oslo/context.ts'
import { defaultsOf } from '../oslo/keystoneauth/fixture.ts'
import { silent } from '../oslo/log.ts'
import { connectPeers, type PeerSettings, peerOptions } from './peers.ts'

const closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const defaults = Object.fromEntries(
  Object.entries(peerOptions).map(([name, { options }]) => [name, defaultsOf(options as never) as unknown]),
)

/** Glance that answers 503, so many times; then that the image is not there. */
async function glance(times: number, settings: Partial<PeerSettings['glance']>) {
  let asked = 0
  const server = createServer((_, response) => {
    response.statusCode = asked++ < times ? 503 : 404
    response.end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  closing.push(() => server.close())
  const apiServers = [`http://127.0.0.1:${(server.address() as AddressInfo).port}`]
  const peers = connectPeers(
    {
      ...defaults,
      glance: { ...(defaults.glance as unknown as object), apiServers, statusCodeRetryDelay: 0.001, ...settings },
    } as unknown as PeerSettings,
    { log: silent, clock: { now: () => Date.now() } },
  )
  closing.push(() => peers.close())
  const context = { token: 'token', requestId: 'req-1', catalog: [], serviceRoles: [] } as unknown as RequestContext
  return { client: peers.glance.as(context), asked: () => asked }
}

test('[glance] num_retries: Glance may be away for a moment', async () => {
  const { client, asked } = await glance(3, {})
  expect([await client.show('x'), asked()]).toEqual([undefined, 4])
})

test.each([
  [0, 1],
  [1, 2],
])('[glance] num_retries %d, and it stays away', async (numRetries, times) => {
  const { client, asked } = await glance(9, { numRetries })
  await expect(client.show('x')).rejects.toMatchObject({ kind: 'status', status: 503, service: 'image' })
  expect(asked()).toBe(times)
})

test('[service_user] that is wanted and says not who it is, is told', () => {
  const warnings: string[] = []
  const log = { ...silent, warning: (text: string) => void warnings.push(text) }
  const told = (serviceUser: object) => {
    const settings = { ...defaults, serviceUser: { ...(defaults.serviceUser as object), ...serviceUser } } as unknown as PeerSettings
    const peers = connectPeers(settings, { log, clock: { now: () => Date.now() } })
    closing.push(() => peers.close())
    return warnings.splice(0)
  }
  expect(told({ sendServiceUserToken: true })).toEqual([expect.stringContaining('[service_user] does not say how to authenticate')])
  expect(told({ sendServiceUserToken: false })).toEqual([])
})

test('what keystoneauth’s option says counts before', async () => {
  const { client, asked } = await glance(9, { statusCodeRetries: 2 })
  await expect(client.show('x')).rejects.toMatchObject({ status: 503 })
  expect(asked()).toBe(3)
})
