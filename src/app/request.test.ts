import { expect, test } from 'vitest'
import type { Request } from './contract.ts'
import { withParts } from './request.ts'
import { ask } from './testing.ts'

test('parts are replaced, all else stays, and the signal is made only when somebody asks', async () => {
  let made = 0
  const original: Request = {
    ...ask('POST /a?b=c', { body: 'x', headers: { a: '1' } }),
    get signal() {
      made++
      return AbortSignal.abort()
    },
  }
  const derived = withParts(withParts(original, { path: '/b', scriptName: '/v2.1' }), {
    scheme: 'https',
    remoteAddress: '::1',
    headers: {},
  })
  expect(made).toBe(0)
  expect(derived.signal?.aborted).toBe(true)
  const { method, target, path, scriptName, query, scheme, remoteAddress, headers } = derived
  expect([method, target, path, scriptName, query, scheme, remoteAddress, headers]).toEqual([
    'POST',
    '/a?b=c',
    '/b',
    '/v2.1',
    'b=c',
    'https',
    '::1',
    {},
  ])
  expect(derived.environ).toBe(original.environ)
  expect(Buffer.from(await derived.body()).toString()).toBe('x')
})
