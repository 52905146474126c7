import { expect, test } from 'vitest'
import type { RequestContext } from '../oslo/context.ts'
import { PeerError } from '../oslo/keystoneauth/errors.ts'
import type { Ask, Session } from '../oslo/keystoneauth/session.ts'
import { cinder, cinderText } from './cinder.ts'

/** A session that notes what is asked and answers what a test says. */
function answering(status: number, body: unknown) {
  const asked: Ask[] = []
  const request = async (ask: Ask) => {
    asked.push(ask)
    return { status, json: () => body }
  }
  const session = { request } as unknown as Session
  const { own } = cinder({ as: (_: RequestContext) => session, own: session, close: async () => undefined })
  return { asked, cinder: own }
}

test('what is there, and what is not', async () => {
  const there = answering(200, { volume: { id: 'v' }, snapshot: { id: 's' }, volume_types: [{ id: 't' }] })
  expect([await there.cinder.volume('a/b'), await there.cinder.snapshot('s'), await there.cinder.volumeTypes()]).toEqual([
    { id: 'v' },
    { id: 's' },
    [{ id: 't' }],
  ])
  expect(there.asked.map(({ path, microversion }) => [path, microversion])).toEqual([
    ['/volumes/a%2Fb', undefined],
    ['/snapshots/s', undefined],
    ['/types', undefined],
  ])
  const gone = answering(404, {})
  expect([await gone.cinder.volume('v'), await gone.cinder.snapshot('s'), await gone.cinder.removeAttachment('a')]).toEqual([
    undefined,
    undefined,
    false,
  ])
})

test('a volume is reserved without a connector, at the version that can complete it', async () => {
  const { asked, cinder } = answering(200, { attachment: { id: 'a' } })
  expect(await cinder.createAttachment('v', 'i')).toEqual({ id: 'a' })
  expect(asked).toMatchObject([
    {
      method: 'POST',
      path: '/attachments',
      microversion: '3.44',
      json: { attachment: { volume_uuid: 'v', instance_uuid: 'i', connector: null } },
    },
  ])
})

test('refusals in the words of cinderclient', () => {
  const text = (body: string, headers = {}) =>
    cinderText(new PeerError('no', { kind: 'status', service: 'volume', status: 400, body: Buffer.from(body), headers }))
  expect(text('{"badRequest": {"code": 400, "message": "Invalid volume: in use"}}', { 'x-openstack-request-id': 'req-1' })).toBe(
    'Invalid volume: in use (HTTP 400) (Request-ID: req-1)',
  )
  expect(text('<html>')).toBe('Bad Request (HTTP 400)')
  expect(text('{"message": "said"}')).toBe('said (HTTP 400)')
  expect(text('{"badRequest": {}}')).toBe('n/a (HTTP 400)')
})
