import { expect, test } from 'vitest'
import { PeerError } from '../oslo/keystoneauth/errors.ts'
import { neutronText } from './neutron.ts'

// What neutronclient 14.0.0 made of the same answers
const answers: [body: string, text: string][] = [
  ['{"NeutronError": {"type": "Xx", "message": "said", "detail": ""}}', 'said'],
  ['{"NeutronError": {"type": "OverQuota", "message": "said", "detail": "more"}}', 'said\nmore'],
  ['{"NeutronError": "text"}', 'text'],
  ['{"message": "said"}', 'said'],
  ['{"error": {"message": "said", "code": 401}}', "400-{'error': {'message': 'said', 'code': 401}}"],
  ['<html>oops</html>', '<html>oops</html>'],
  ['', '400-()'],
]
for (const [body, text] of answers)
  test(`${body} is told as ${text}`, () => {
    const told = (headers: Record<string, string>) =>
      neutronText(new PeerError('no', { kind: 'status', service: 'network', status: 400, body: Buffer.from(body), headers }))
    expect(told({})).toBe(text)
    expect(told({ 'x-openstack-request-id': 'req-1' })).toBe(`${text}\nNeutron server returns request_ids: ['req-1']`)
  })

test('what is no answer is told as it is', () =>
  expect(neutronText(new PeerError('nobody there', { kind: 'unreachable', service: 'network' }))).toBe('nobody there'))
