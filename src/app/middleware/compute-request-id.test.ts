import { describe, expect, test } from 'vitest'
import { type Application, text } from '../contract.ts'
import { ask } from '../testing.ts'
import { computeRequestId, requestId } from './compute-request-id.ts'

const app: Application = async () => text(200, '', [['X-Compute-Request-Id', 'mine']])
const newId = () => 'req-new'
const good = 'req-01234567-89ab-cdef-0123-456789abcdef'

describe('request ids', () => {
  test('stand in the answer unless it has one', async () => {
    const both = await computeRequestId({ newId })(async () => text(200, ''))(ask('GET /'))
    expect(both.headers.slice(1)).toEqual([
      ['x-openstack-request-id', 'req-new'],
      ['x-compute-request-id', 'req-new'],
    ])
    expect((await computeRequestId({ newId })(app)(ask('GET /'))).headers).toEqual([
      ['X-Compute-Request-Id', 'mine'],
      ['x-openstack-request-id', 'req-new'],
    ])
    expect((await requestId({ newId })(app)(ask('GET /'))).headers.at(-1)).toEqual(['x-openstack-request-id', 'req-new'])
  })

  test('are new for each request', async () => {
    const seen = new Set<unknown>()
    const keep: Application = async ({ environ }) => {
      seen.add(environ.requestId)
      return text(200, '')
    }
    for (let i = 0; i < 3; i++) await computeRequestId()(keep)(ask('GET /'))
    expect(seen.size).toBe(3)
    for (const id of seen) expect(id).toMatch(/^req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  })

  const rows: [string, string | undefined][] = [
    [good, good],
    [good.toUpperCase(), undefined],
    [`${good}0`, undefined],
    ['01234567-89ab-cdef-0123-456789abcdef', undefined],
  ]
  for (const [given, expected] of rows)
    test(`the caller's own: ${given}`, async () => {
      const request = ask('GET /', { headers: { 'x-openstack-request-id': given } })
      await computeRequestId({ newId })(app)(request)
      expect(request.environ).toEqual({ requestId: 'req-new', ...(expected && { globalRequestId: expected }) })
    })
})
