/** The HTTP cases that every host is put to, over the application of `echo.ts`. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type Answer, ask, connect, headerValues, type Place } from './wire.ts'

/** A host that runs, and what it is known to do in its own way. */
export interface Target extends Place {
  readonly name: string
  /** Where the application is mounted: its SCRIPT_NAME. */
  readonly prefix?: string
  /** How clients reach it, which for a server in front is not how the application is reached. */
  readonly scheme?: 'http' | 'https'
  /** Cases that cannot hold here, by name, and why. They must fail: a reason that is no longer true is an error. */
  readonly except?: Readonly<Record<string, string>>
}

export interface Case {
  readonly name: string
  readonly run: (target: Target) => Promise<void>
}

const hostLine = 'Host: nova.example\r\n'
const close = 'Connection: close\r\n'
const base = (target: Target) => target.prefix ?? ''

/** A request on a connection of its own. */
const get = (target: Target, path: string, headers = ''): Promise<Answer> =>
  ask(target, `GET ${base(target)}${path} HTTP/1.1\r\n${hostLine}${close}${headers}\r\n`)

const withBody = (target: Target, method: string, body: string, headers = ''): Promise<Answer> =>
  ask(
    target,
    `${method} ${base(target)}/echo HTTP/1.1\r\n${hostLine}${close}Content-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`,
    method,
  )

interface Said {
  readonly method: string
  readonly scriptName: string
  readonly path: string
  readonly query: string
  readonly scheme: string
  readonly remoteAddress: string
  readonly headers: Record<string, string | undefined>
  readonly body: string
}

function said(answer: Answer): Said {
  assert.equal(answer.status, 200)
  return JSON.parse(answer.body) as Said
}

const paths = ['/a%2Fb', '/%C3%A9', '/a%20b', '/a;b=1', '/a+b', '/%7Euser', '/a//b', '/a%25b', "/!$&'()*,=:@", '/%FF']

const methods: Case[] = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => ({
  name: `${method} with a body`,
  async run(target) {
    const { method: seen, body, headers } = said(await withBody(target, method, '{"a": "é"}'))
    assert.deepEqual([seen, body, headers['content-type']], [method, '{"a": "é"}', 'text/plain'])
  },
}))

const chunked = (name: string, body: string): Case => ({
  name,
  async run(target) {
    const head = `POST ${base(target)}/echo HTTP/1.1\r\n${hostLine}${close}Transfer-Encoding: chunked\r\n\r\n`
    assert.equal(said(await ask(target, head + body)).body, 'hello world')
  },
})

const oddPaths: Case[] = paths.map((path) => ({
  name: `the path ${path}`,
  async run(target) {
    const seen = said(await get(target, `${path}?x=%26&y=a/b?c`))
    assert.deepEqual([seen.path, seen.query], [path, 'x=%26&y=a/b?c'])
  },
}))

export const cases: readonly Case[] = [
  {
    name: 'GET with a query',
    async run(target) {
      const seen = said(await get(target, '/v2.1/servers?limit=1&name=a%20b', 'X-Auth-Token: t\r\n'))
      assert.deepEqual([seen.method, seen.path, seen.query], ['GET', '/v2.1/servers', 'limit=1&name=a%20b'])
      assert.deepEqual([seen.headers['x-auth-token'], seen.headers.host], ['t', 'nova.example'])
    },
  },
  ...methods,
  {
    name: 'POST without a body',
    async run(target) {
      assert.equal(said(await withBody(target, 'POST', '')).body, '')
    },
  },
  {
    name: 'a body of a megabyte',
    async run(target) {
      const body = 'é'.repeat(524_288)
      const answer = await ask(
        target,
        `POST ${base(target)}/length HTTP/1.1\r\n${hostLine}${close}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      )
      assert.deepEqual(JSON.parse(answer.body), { bytes: 1_048_576 })
    },
  },
  chunked('a chunked body', '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'),
  chunked('a chunked body with extensions and a trailer', '5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n'),
  {
    name: 'Expect: 100-continue',
    async run(target) {
      const connection = await connect(target)
      connection.send(`POST ${base(target)}/echo HTTP/1.1\r\n${hostLine}${close}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`)
      await delay(50)
      connection.send('hello')
      assert.equal(said(await connection.answer('POST')).body, 'hello')
    },
  },
  {
    name: 'an answer before the body was read',
    async run(target) {
      const answer = await ask(
        target,
        `POST ${base(target)}/unread HTTP/1.1\r\n${hostLine}${close}Content-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`,
      )
      assert.deepEqual([answer.status, answer.body], [413, '{"unread":true}'])
    },
  },
  {
    name: 'HTTP/1.0 without Host',
    async run(target) {
      const connection = await connect(target)
      connection.send(`GET ${base(target)}/echo HTTP/1.0\r\n\r\n`)
      assert.equal(said(await connection.answer()).path, '/echo')
      assert.equal(await connection.ends(2000), true)
    },
  },
  {
    name: 'HEAD /',
    async run(target) {
      const connection = await connect(target)
      connection.send(`HEAD ${base(target)}/ HTTP/1.1\r\n${hostLine}${close}\r\n`)
      const answer = await connection.answer('HEAD')
      assert.equal(answer.status, 200)
      // whatever came behind the head would be a body
      await connection.ends(2000)
      await assert.rejects(connection.answer(), /ended after ""/)
    },
  },
  {
    name: 'HEAD tells the length',
    async run(target) {
      const connection = await connect(target)
      connection.send(`HEAD ${base(target)}/large/1000 HTTP/1.1\r\n${hostLine}${close}\r\n`)
      assert.deepEqual(headerValues(await connection.answer('HEAD'), 'content-length'), ['1002'])
    },
  },
  {
    name: 'keep-alive: two requests on one connection',
    async run(target) {
      const connection = await connect(target)
      for (const path of ['/one', '/two']) {
        connection.send(`GET ${base(target)}${path} HTTP/1.1\r\n${hostLine}\r\n`)
        assert.equal(said(await connection.answer()).path, path)
      }
      connection.abort()
    },
  },
  {
    name: 'keep-alive after 204 and HEAD',
    async run(target) {
      const connection = await connect(target)
      for (const [method, path, status] of [
        ['GET', '/status/204', 204],
        ['HEAD', '/vary', 200],
        ['GET', '/status/404', 404],
        ['GET', '/echo', 200],
      ] as const) {
        connection.send(`${method} ${base(target)}${path} HTTP/1.1\r\n${hostLine}\r\n`)
        assert.equal((await connection.answer(method)).status, status)
      }
      connection.abort()
    },
  },
  {
    name: 'Connection: close closes',
    async run(target) {
      const connection = await connect(target)
      connection.send(`GET ${base(target)}/echo HTTP/1.1\r\n${hostLine}${close}\r\n`)
      await connection.answer()
      assert.equal(await connection.ends(2000), true)
    },
  },
  {
    name: 'two requests at once on one connection',
    async run(target) {
      const connection = await connect(target)
      const request = (path: string) => `GET ${base(target)}${path} HTTP/1.1\r\n${hostLine}\r\n`
      connection.send(request('/slow/50') + request('/echo'))
      assert.equal((await connection.answer()).body, '{"end":"done"}')
      assert.equal(said(await connection.answer()).path, '/echo')
      connection.abort()
    },
  },
  {
    name: 'two Vary headers',
    async run(target) {
      const answer = await get(target, '/vary')
      assert.deepEqual(headerValues(answer, 'vary'), ['OpenStack-API-Version', 'X-OpenStack-Nova-API-Version'])
    },
  },
  {
    name: 'repeated request headers',
    async run(target) {
      const { headers } = said(await get(target, '/echo', 'X-Many: a\r\nX-Many: b\r\n'))
      assert.match(String(headers['x-many']), /^a, ?b$/)
    },
  },
  {
    name: 'a head of 12 kB',
    async run(target) {
      const token = 'x'.repeat(6000)
      const { headers } = said(await get(target, '/echo', `X-Auth-Token: ${token}\r\nX-Service-Token: ${token}\r\n`))
      assert.equal(headers['x-service-token'], token)
    },
  },
  ...oddPaths,
  {
    name: 'dots in the path',
    async run(target) {
      // a server may resolve them or refuse; an application must never see a path that climbs
      const answer = await get(target, '/a/../b')
      if (answer.status === 200) assert.match(said(answer).path, /^\/(a\/\.\.\/)?b$/)
      else assert.equal(answer.status, 400)
    },
  },
  {
    name: 'the prefix is SCRIPT_NAME',
    async run(target) {
      const seen = said(await get(target, '/v2.1'))
      assert.deepEqual([seen.scriptName, seen.path], [base(target), '/v2.1'])
    },
  },
  {
    name: 'the scheme',
    async run(target) {
      assert.equal(said(await get(target, '/echo')).scheme, target.scheme ?? 'http')
    },
  },
  {
    name: 'the address of the client',
    async run(target) {
      assert.equal(said(await get(target, '/echo')).remoteAddress, target.socketPath ? '' : '127.0.0.1')
    },
  },
  {
    name: '204 has no body',
    async run(target) {
      const answer = await get(target, '/status/204')
      assert.deepEqual([answer.status, headerValues(answer, 'transfer-encoding')], [204, []])
    },
  },
  {
    name: '304 has no body',
    async run(target) {
      assert.equal((await get(target, '/status/304')).status, 304)
    },
  },
  {
    name: 'errors keep their bodies',
    async run(target) {
      for (const status of [400, 401, 404, 409, 500, 503]) {
        const answer = await get(target, `/status/${status}`)
        assert.deepEqual([answer.status, answer.body], [status, '{"status":1}'])
      }
    },
  },
  {
    name: 'an application that fails is a 500 that says nothing',
    async run(target) {
      const answer = await get(target, '/fail')
      assert.equal(answer.status, 500)
      assert.doesNotMatch(answer.body, /secret/)
    },
  },
  {
    name: 'a large answer',
    async run(target) {
      assert.equal((await get(target, '/large/2000000')).bytes, 2_000_002)
    },
  },
  {
    name: 'an answer in pieces',
    async run(target) {
      const answer = await get(target, '/stream/20')
      assert.equal(answer.body, Array.from({ length: 20 }, (_, index) => `${index}\n`).join(''))
    },
  },
  {
    name: 'a client that reads slowly',
    async run(target) {
      const connection = await connect(target)
      connection.send(`GET ${base(target)}/large/1500000 HTTP/1.1\r\n${hostLine}${close}\r\n`)
      connection.socket.pause()
      await delay(300)
      connection.socket.resume()
      assert.equal((await connection.answer()).bytes, 1_500_002)
    },
  },
  {
    name: 'a client that writes slowly',
    async run(target) {
      const connection = await connect(target)
      const text = `POST ${base(target)}/echo HTTP/1.1\r\n${hostLine}${close}Content-Length: 10\r\n\r\n0123456789`
      for (let at = 0; at < text.length; at += 12) {
        connection.send(text.slice(at, at + 12))
        await delay(5)
      }
      assert.equal(said(await connection.answer('POST')).body, '0123456789')
    },
  },
  {
    name: 'a client that goes away is noticed',
    async run(target) {
      const name = randomUUID()
      const noticed = async () => (JSON.parse((await get(target, `/aborted/${name}`)).body) as { aborted: boolean }).aborted
      const connection = await connect(target)
      connection.send(`GET ${base(target)}/slow/3000/${name} HTTP/1.1\r\n${hostLine}\r\n`)
      await delay(200)
      assert.equal(await noticed(), false)
      connection.abort()
      // one of several processes may know it
      let known = false
      for (let tries = 0; tries < 40 && !known; tries++) {
        await delay(50)
        known = await noticed()
      }
      assert.equal(known, true)
    },
  },
  {
    name: 'a client that goes away in the middle of its body',
    async run(target) {
      const connection = await connect(target)
      connection.send(`POST ${base(target)}/echo HTTP/1.1\r\n${hostLine}Content-Length: 1000\r\n\r\nabc`)
      await delay(50)
      connection.abort()
      assert.equal((await get(target, '/echo')).status, 200)
    },
  },
  {
    name: 'what is no HTTP is refused',
    async run(target) {
      const answer = await ask(target, 'NONSENSE\r\n\r\n', 'GET').catch((error: Error) => error)
      // some close without a word
      if (!(answer instanceof Error)) assert.match(String(answer.status), /^(400|NaN)$/)
      assert.equal((await get(target, '/echo')).status, 200)
    },
  },
]

/** What came of a case. */
export interface Outcome {
  readonly case: string
  readonly target: string
  readonly result: 'passed' | 'failed' | 'excepted'
  /** Why it failed, or why it cannot hold. */
  readonly why?: string
}

export async function runCase({ name, run }: Case, target: Target): Promise<Outcome> {
  const why = target.except?.[name]
  try {
    await run(target)
    if (why !== undefined) return { case: name, target: target.name, result: 'failed', why: `holds, though: ${why}` }
    return { case: name, target: target.name, result: 'passed' }
  } catch (error) {
    if (why !== undefined) return { case: name, target: target.name, result: 'excepted', why }
    return { case: name, target: target.name, result: 'failed', why: (error as Error).message }
  }
}
