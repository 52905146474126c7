import { expect, test } from 'vitest'
import { PeerError } from '../oslo/keystoneauth/errors.ts'
import type { Ask, Session } from '../oslo/keystoneauth/session.ts'
import { neutron, neutronText } from './neutron.ts'

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

function links(marker: string) {
  return [
    { rel: 'previous', href: 'http://inside:9696/v2.0/security-groups?page_reverse=True' },
    { rel: 'next', href: `http://inside:9696/v2.0/security-groups?id=1&id=2&marker=${marker}` },
  ]
}

test.each([
  ['to the one without a link', { security_groups: [{ id: '2' }], security_groups_links: links('2').slice(0, 1) }],
  ['to the one without rows, whatever follows', { security_groups: [], security_groups_links: links('2') }],
])('a list comes in as many pages as Neutron gives it in: %s', async (_, last) => {
  const asked: Ask['query'][] = []
  const pages = [{ security_groups: [{ id: '1' }], security_groups_links: links('1') }, last]
  const request = async ({ query }: Ask) => ({ json: () => pages[asked.push(query) - 1] })
  const session = { request } as unknown as Session
  const { own } = neutron(
    { as: () => session, own: session, close: async () => undefined },
    { clock: { now: () => 0 }, extensionSeconds: 600 },
  )
  expect(await own.list('security-groups', { id: ['1', '2'] })).toEqual([{ id: '1' }, ...last.security_groups])
  expect(asked).toEqual([{ id: ['1', '2'] }, { id: ['1', '2'], marker: ['1'] }])
})
