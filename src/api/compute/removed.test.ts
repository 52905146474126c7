import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../tests/support/compute-api.ts'
import { byVersion } from '../spec/operation.ts'
import { removed } from './removed.ts'

let api: TestApi
beforeAll(async () => {
  api = await testApi()
})
afterAll(() => api.close())

test('every one answers 410 at every version, whoever asks and whatever is sent', async () => {
  const routes = Object.keys(removed).filter((key) => !key.endsWith('os-getRDPConsole'))
  expect(routes).toHaveLength(53)
  for (const key of routes) {
    const [method, path, action] = key.split(' ') as [string, string, string?]
    const body = action ? { [action]: null } : method === 'GET' || method === 'DELETE' ? undefined : { anything: 1 }
    for (const [version, as] of [
      ['2.1', 'admin'],
      ['2.103', 'reader'],
    ] as const) {
      const answer = await api.call(version, `${method} ${path.replaceAll(/:\w+/g, 'x')}?colour=red`, body, { as })
      expect([key, answer.status, answer.body.computeFault?.message]).toEqual([
        key,
        410,
        'This resource is no longer available. No forwarding address is given.',
      ])
    }
  }
  expect(api.errors).toEqual([])
})

test.each([
  ['{', 400],
  ['\ufeff{}', 400],
  ['{}', 410],
])('their bodies must be JSON: %j → %i', async (body, status) =>
  expect((await api.call('2.1', 'POST /os-agents', body)).status).toBe(status),
)

test('RDP consoles are refused with 400 until 2.5 and are not there from 2.6 on', async () => {
  const ask = (version: string) => api.call(version, 'POST /servers/x/action', { 'os-getRDPConsole': { type: 'rdp-html5' } })
  expect((await ask('2.5')).body.badRequest.message).toMatch(/either malformed or otherwise incorrect/)
  expect((await ask('2.6')).status).toBe(404)
  expect(byVersion([removed['POST /servers/:id/action os-getRDPConsole']].flat()[0]!.errors!, 1)).toEqual([400])
})
