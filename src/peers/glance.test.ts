import { expect, test } from 'vitest'
import { PeerError } from '../oslo/keystoneauth/errors.ts'
import type { Session } from '../oslo/keystoneauth/session.ts'
import { glance, glanceText } from './glance.ts'

// What glanceclient 4.13.0 made of the same answers
const answers: [type: string, body: string, text: string][] = [
  [
    'text/html; charset=UTF-8',
    '<html>\n <head>\n  <title>400 Bad Request</title>\n </head>\n <body>\n  <h1>400 Bad Request</h1>\n  No &quot;x&quot;.<br /><br />\n\n\n\n </body>\n</html>',
    'HTTP 400 Bad Request: No &quot;x&quot;.',
  ],
  ['application/json', '{"error": {"message": "said", "code": 401}, "more": {}}', 'HTTP said'],
  ['text/plain', 'one\n\ntwo', 'HTTP one\ntwo'],
  ['text/plain', '', 'HTTP 400'],
]
for (const [type, body, text] of answers)
  test(`${type} ${JSON.stringify(body).slice(0, 60)}`, () => {
    const said = { kind: 'status', service: 'image', status: 400, body: Buffer.from(body), headers: { 'content-type': type } } as const
    expect(glanceText(new PeerError('no', said))).toBe(text)
  })

test.each([
  ['http://images.example', [], 'http://images.example'],
  ['http://images.example/v2', [], 'http://images.example/'],
  ['http://images.example/image/v2.1', [], 'http://images.example/image/'],
  ['http://elsewhere.example', ['http://images.example/v2'], 'http://images.example/v2'],
])('images are, for links, %s %s', async (catalogued, servers, told) => {
  const session: Pick<Session, 'with' | 'endpoint'> = {
    with: ({ endpointOverride }) =>
      endpointOverride ? ({ endpoint: async () => endpointOverride } as unknown as Session) : (session as Session),
    endpoint: async () => catalogued,
  }
  const service = { as: () => session as Session, own: session as Session, close: async () => undefined }
  expect(await glance(service, { servers }).endpoint({} as never)).toBe(told)
})
