import { describe, expect, test } from 'vitest'
import type { Application, Request } from './contract.ts'
import { novaUrlmap, pasteUrlmap } from './urlmap.ts'

const ask = (path: string, headers: Record<string, string> = {}): Request => ({
  method: 'GET',
  target: path,
  scriptName: '',
  path,
  query: '',
  scheme: 'http',
  protocol: 'HTTP/1.1',
  remoteAddress: '127.0.0.1',
  headers: { host: 'h', ...headers },
  rawHeaders: [],
  environ: {},
  body: async () => new Uint8Array(),
})

/** Answers who it is and what it was given. */
const named =
  (name: string): Application =>
  async ({ scriptName, path, environ }) => ({
    status: 200,
    headers: [],
    body: `${name} ${scriptName}|${path}|${environ.bestContentType ?? ''}`,
  })

const mounts = (...expressions: string[]) => expressions.map((one) => [one, named(one)] as const)
const nova = novaUrlmap(mounts('/', '/v2', '/v2.1', '/v2/+', '/v2.1/+'))
const json = 'application/json'
const vendor = 'application/vnd.openstack.compute+json'

describe("Nova's urlmap", () => {
  const rows: [string, Record<string, string>, string][] = [
    ['/', {}, `/ |/|${json}`],
    ['/v2.1', {}, `/v2.1 /v2.1||${json}`],
    ['/v2.1/', {}, `/v2.1 /v2.1|/|${json}`],
    ['/v2.1/x', {}, `/v2.1/+ /v2.1|/x|${json}`],
    ['//v2.1///servers//1', {}, `/v2.1/+ /v2.1|/servers/1|${json}`],
    ['/v2.10', {}, `/ |/v2.10|${json}`],
    ['/v2/x', {}, `/v2/+ /v2|/x|${json}`],
    ['/v2%2E1/a%2Fb%20c', {}, `/v2.1/+ /v2.1|/a%2Fb%20c|${json}`],
    ['/v2.1%2F%2fservers', {}, `/v2.1/+ /v2.1|%2Fservers|${json}`],
    ['/servers', { accept: `${json};version=2.1` }, `/v2.1 /v2.1|/servers|${json}`],
    ['/servers', { accept: `${json};version=2` }, `/v2 /v2|/servers|${json}`],
    ['/servers', { accept: `${json};version=9` }, `/ |/servers|${json}`],
    ['/servers', { accept: `${json};version="2.1"` }, `/v2.1 /v2.1|/servers|${json}`],
    ['/servers', { 'content-type': `${json};version=2`, accept: `${json};version=2.1` }, `/v2 /v2|/servers|${json}`],
    ['/v2.1/x', { accept: `${json};version=2` }, `/v2.1/+ /v2.1|/x|${json}`],
    ['/v2.1/x', { accept: vendor }, `/v2.1/+ /v2.1|/x|${vendor}`],
    ['/v2.1/x', { accept: `${json};q=0.5, ${vendor}` }, `/v2.1/+ /v2.1|/x|${vendor}`],
    ['/v2.1/x.json', { accept: vendor }, `/v2.1/+ /v2.1|/x.json|${json}`],
    ['/v2.1/x', { accept: 'application/atom+xml' }, `/v2.1/+ /v2.1|/x|${json}`],
    ['/v2.1/', { accept: 'application/atom+xml' }, '/v2.1 /v2.1|/|application/atom+xml'],
    ['/v2.1/x', { accept: 'text/html;q=x, "a,b"' }, `/v2.1/+ /v2.1|/x|${json}`],
  ]
  for (const [path, headers, expected] of rows)
    test(`${path} ${Object.values(headers)}`, async () => expect((await nova(ask(path, headers))).body).toBe(expected))
})

describe("Paste's urlmap", () => {
  const paste = pasteUrlmap(mounts('/', '/foo', '/foo/bar', 'domain ex.com /foo', 'domain ex.com port 81 /only', 'http://b.com/bar/'))
  const rows: [string, string, string][] = [
    ['/foo/bar/x', 'h', '/foo/bar /foo/bar|/x|'],
    ['/foo/barx', 'h', '/foo /foo|/barx|'],
    ['/foo', 'h', '/foo /foo||'],
    ['/foo/bar', 'EX.com:8774', 'domain ex.com /foo /foo|/bar|'],
    ['/only', 'ex.com:81', 'domain ex.com port 81 /only /only||'],
    ['/only', 'ex.com', '/ |/only|'],
    ['/bar/x', 'b.com', 'http://b.com/bar/ /bar|/x|'],
    ['/bar/x', 'h', '/ |/bar/x|'],
  ]
  for (const [path, host, expected] of rows)
    test(`${host} ${path}`, async () => expect((await paste(ask(path, { host }))).body).toBe(expected))

  const refused: [string, string][] = [
    ['foo', "'foo': a path starts with / or http://"],
    ['/a /b', "'/a /b': more than one path"],
    ['port 80 /', "'port 80 /': a port needs a domain"],
    ['domain', "'domain': nothing follows 'domain'"],
  ]
  for (const [expression, message] of refused)
    test(`refused: ${expression}`, () => expect(() => pasteUrlmap(mounts(expression))).toThrow(message))
})

describe('nothing there', () => {
  const only = pasteUrlmap(mounts('/foo', 'domain ex.com /a'))
  test('plain text', async () =>
    expect(await only(ask('/x%C3%A9'))).toEqual({
      status: 404,
      headers: [['content-type', 'text/plain; charset=utf8']],
      body: '404 Not Found\r\nThe resource could not be found.\r\n/xÃ©\r\n\r\n',
    }))
  test('HTML lists what there is, and escapes what was asked', async () => {
    const answer = await only(ask("/<'", { accept: '*/*' }))
    expect(answer.headers).toEqual([['content-type', 'text/html; charset=utf8']])
    expect(answer.body).toContain(
      '<br/>/&lt;&#x27;\r\n<!-- defined apps: (&#x27;ex.com&#x27;, &#x27;/a&#x27;),\n  (None, &#x27;/foo&#x27;)\nSCRIPT_NAME: &#x27;&#x27;\n',
    )
    expect(answer.body).toContain('PATH_INFO: &#x27;/&amp;lt;&amp;#x27;&#x27;\nHTTP_HOST: &#x27;h&#x27; --></p>')
  })
  test('another application may answer', async () =>
    expect((await novaUrlmap(mounts('/foo'), named('other'))(ask('/x'))).body).toBe(`other |/x|${json}`))
})
