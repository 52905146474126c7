import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import net from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../tests/support/until.ts'
import { defaults, type ShadowSettings } from './settings.ts'
import { type Shadow, startShadow } from './shadow.ts'

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

interface Api {
  readonly url: URL
  readonly asked: { method: string; target: string; headers: http.IncomingHttpHeaders; raw: string[]; body: string }[]
  stop(): void
}

/** A server whose answers are of the test; it remembers what it was asked. */
async function api(answer: (message: IncomingMessage, response: ServerResponse, body: string) => void): Promise<Api> {
  const asked: Api['asked'] = []
  const listener: RequestListener = async (message, response) => {
    let body = ''
    try {
      for await (const chunk of message) body += chunk
    } catch {
      return
    }
    asked.push({ method: message.method!, target: message.url!, headers: message.headers, raw: message.rawHeaders, body })
    answer(message, response, body)
  }
  const server = http.createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  stops.push(stop)
  return { url: new URL(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}`), asked, stop }
}

const says =
  (value: unknown, status = 200, headers: Record<string, string> = {}) =>
  (_: IncomingMessage, response: ServerResponse) =>
    void response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(value))

interface Running extends Shadow {
  readonly lines: Record<string, unknown>[]
  readonly text: () => string
  readonly warnings: string[]
  get(target: string, init?: RequestInit): Promise<Response>
  /** Resolves when that many reads have been compared, lost or given up. */
  settled(reads: number): Promise<void>
}

async function shadow(real: URL, ours: URL, changed: Partial<ShadowSettings> = {}): Promise<Running> {
  const written: string[] = []
  const warnings: string[] = []
  const listen = { protocol: 'http' as const, address: { kind: 'tcp' as const, host: '127.0.0.1', port: 0 } }
  const settings: ShadowSettings = { ...defaults, drainSeconds: 1, listen, real, ours, ...changed }
  const running = await startShadow({ settings, write: (line) => written.push(line), warn: (text) => warnings.push(text) })
  stops.push(() => running.stop())
  return {
    ...running,
    get lines() {
      return written.map((line) => JSON.parse(line) as Record<string, unknown>)
    },
    text: () => written.join(''),
    warnings,
    get: (target, init) => fetch(`${running.address}${target}`, init),
    async settled(reads) {
      const deadline = performance.now() + 5000
      for (;;) {
        const { counts, waiting } = running.summary()
        const dropped = Object.values(counts.dropped).reduce((sum, each) => sum + each, 0)
        if (waiting === 0 && counts.compared + counts.unanswered + dropped >= reads) return
        if (performance.now() > deadline) throw new Error(`not settled: ${JSON.stringify(running.summary())}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  }
}

const nobody = async (): Promise<URL> => {
  const { url, stop } = await api(() => undefined)
  stop()
  return url
}

describe('the client’s answer', () => {
  test('is that of the real one, header by header, and the request goes on as it came', async () => {
    const real = await api((_, response, body) => {
      response.sendDate = false
      response.writeHead(202, 'Taken', [
        'X-Two',
        'a',
        'X-Two',
        'b',
        'Location',
        'http://h/1',
        'Content-Length',
        `${body.length}`,
        'Date',
        'then',
      ])
      response.end(body)
    })
    const ours = await api(says({}))
    const { address } = await shadow(real.url, ours.url)
    const { port } = new URL(address)
    const text = await exchange(
      Number(port),
      'POST /v2.1/servers?a=%20b HTTP/1.1\r\nHost: cloud:8774\r\nX-Auth-Token: t\r\nX-Two: 1\r\nx-two: 2\r\nX-Forwarded-For: 10.0.0.9\r\nX-Forwarded-Proto: https\r\nConnection: close, x-mine\r\nX-Mine: 1\r\nContent-Length: 4\r\n\r\nbody',
    )
    expect(text.split('\r\n')).toEqual([
      ...[
        'HTTP/1.1 202 Taken',
        'X-Two: a',
        'X-Two: b',
        'Location: http://h/1',
        'Content-Length: 4',
        'Date: then',
        'Connection: close',
        '',
        'body',
      ],
    ])
    const [asked] = real.asked
    expect(asked).toMatchObject({ method: 'POST', target: '/v2.1/servers?a=%20b', body: 'body' })
    expect(asked!.raw.slice(0, -2)).toEqual([
      ...['Host', 'cloud:8774', 'X-Auth-Token', 't', 'X-Two', '1', 'x-two', '2', 'X-Forwarded-Proto', 'https', 'Content-Length', '4'],
      ...['X-Forwarded-For', '10.0.0.9, 127.0.0.1', 'X-Forwarded-Host', 'cloud:8774'],
    ])
    expect(ours.asked).toEqual([])
  })

  const methods = ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'POST']
  for (const method of methods)
    test(`${method} goes to the real one alone, and without a body it says so`, async () => {
      const real = await api((_, response) => void response.writeHead(204).end())
      const ours = await api(says({}))
      const running = await shadow(real.url, ours.url)
      expect((await running.get('/v2.1/x', { method })).status).toBe(204)
      expect(real.asked[0]!.headers['transfer-encoding']).toBeUndefined()
      expect(ours.asked).toEqual([])
      expect(running.summary().counts).toMatchObject({ requests: 1, reads: 0 })
    })

  test('comes piece by piece, and does not wait for the other', async () => {
    let finish: (() => void) | undefined
    const real = await api((_, response) => {
      response.writeHead(200).write('first')
      finish = () => void response.end('last')
    })
    const ours = await api(() => undefined)
    const running = await shadow(real.url, ours.url)
    const reader = (await running.get('/')).body!.getReader()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('first')
    finish!()
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('last')
    expect((await reader.read()).done).toBe(true)
    // ours never answers, and the next client is served all the same
    const second = running.get('/')
    await until('the real one has been asked twice', () => real.asked.length === 2)
    finish!()
    expect(await (await second).text()).toBe('firstlast')
  })

  test('HEAD keeps its length and has no body', async () => {
    const real = await api((_, response) => void response.writeHead(200, { 'Content-Length': '99' }).end())
    const running = await shadow(real.url, real.url)
    const answer = await running.get('/', { method: 'HEAD' })
    expect([answer.headers.get('content-length'), await answer.text()]).toEqual(['99', ''])
    await running.settled(1)
    expect(running.summary().counts).toMatchObject({ compared: 1, same: 1 })
  })

  test('a real one that is not there is told, with 502', async () => {
    const running = await shadow(await nobody(), await nobody())
    const answer = await running.get('/v2.1/servers')
    expect([answer.status, await answer.text()]).toEqual([502, 'nova-ts shadow: the real nova-api gave no answer: ECONNREFUSED\n'])
    expect(running.warnings).toHaveLength(1)
    expect(running.summary().counts).toMatchObject({ requests: 1, realFailed: 1, compared: 0, unanswered: 0 })
  })

  test('one that is silent, with 504', async () => {
    const real = await api(() => undefined)
    const running = await shadow(real.url, real.url, { realSeconds: 0.1 })
    expect((await running.get('/')).status).toBe(504)
    expect((await running.get('/', { method: 'POST', body: 'x' })).status).toBe(504)
    expect(real.asked).toHaveLength(2)
  })

  test('one that breaks off breaks off for the client too', async () => {
    const real = await api((_, response) => {
      response.writeHead(200, { 'Content-Length': '9' }).write('half')
      setTimeout(() => response.destroy(), 20)
    })
    const running = await shadow(real.url, real.url)
    await expect(running.get('/').then((answer) => answer.text())).rejects.toThrow()
    expect(running.summary().counts).toMatchObject({ realFailed: 1, compared: 0 })
  })

  test('a kept connection that the real one has closed costs a read nothing, and a change is never sent twice', async () => {
    const real = await api((message, response) => {
      says({})(message, response)
      // as a server whose patience ends when the next request is on its way
      message.socket.once('data', () => message.socket.destroy())
    })
    const running = await shadow(real.url, await nobody(), { samplePercent: 0 })
    for (let i = 0; i < 4; i++) expect((await running.get('/')).status).toBe(200)
    for (let i = 0; i < 4; i++) expect((await running.get('/', { method: 'POST', body: 'x' })).status).toBe(200)
    expect(real.asked.filter(({ method }) => method === 'POST')).toHaveLength(4)
  })

  test('a client that goes away takes its request back', async () => {
    let gone = false
    const real = await api((_, response) => {
      response.on('close', () => {
        gone = true
      })
    })
    const running = await shadow(real.url, real.url)
    const controller = new AbortController()
    const answer = running.get('/', { signal: controller.signal }).catch(() => 'aborted')
    await until('the real one has been asked', () => real.asked.length === 1)
    controller.abort()
    expect(await answer).toBe('aborted')
    await until('the real one has heard of it', () => gone)
    await running.settled(1)
    expect(running.summary().counts).toMatchObject({ compared: 0, realFailed: 0, dropped: { clientLeft: 1 } })
  })

  test('a tunnel is refused', async () => {
    const real = await api(says({}))
    const { address } = await shadow(real.url, real.url)
    expect(await exchange(Number(new URL(address).port), 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n')).toMatch(/^HTTP\/1.1 405 /)
  })
})

describe('the comparison', () => {
  test('asks the same, with the same token and microversion, and finds them alike', async () => {
    const real = await api(says({ server: { id: 1, links: [{ href: 'http://a/v2.1/x' }] } }))
    const ours = await api(says({ server: { links: [{ href: 'http://b/v2.1/x' }], id: 1 } }))
    const running = await shadow(real.url, ours.url)
    const headers = { 'X-Auth-Token': 'gAAAA', 'OpenStack-API-Version': 'compute 2.96', 'Accept-Encoding': 'gzip' }
    await (await running.get('/v2.1/servers/1?x=%2F', { headers })).text()
    await running.settled(1)
    expect(ours.asked[0]).toMatchObject({ method: 'GET', target: '/v2.1/servers/1?x=%2F' })
    expect(ours.asked[0]!.headers).toMatchObject({
      ...{
        'x-auth-token': 'gAAAA',
        'openstack-api-version': 'compute 2.96',
        host: new URL(running.address).host,
        'x-forwarded-for': '127.0.0.1',
      },
    })
    expect(ours.asked[0]!.headers['accept-encoding']).toBeUndefined()
    expect(running.summary()).toMatchObject({
      counts: { reads: 1, compared: 1, same: 1, races: 0, different: 0 },
      ms: { real: { count: 1 }, ours: { count: 1 } },
    })
    expect(running.lines).toEqual([])
  })

  test('tells a difference in one line, without secrets', async () => {
    const both = (who: string, status: number) =>
      says(
        { server: { name: who, adminPass: `secret-${who}`, user_data: `secret2-${who}`, url: `http://x/?token=secret3-${who}` } },
        status,
        {
          'X-OpenStack-Request-ID': `req-${who}`,
          Vary: who,
        },
      )
    const [real, ours] = [await api(both('real', 200)), await api(both('ours', 203))]
    const running = await shadow(real.url, ours.url)
    await running.get('/v2.1/servers/1?token=secret4', { headers: { 'X-Auth-Token': 'secret5', 'OpenStack-API-Version': 'compute 2.96' } })
    await running.settled(1)
    expect(running.lines).toEqual([
      {
        ...{ time: expect.any(String), kind: 'different', method: 'GET', path: '/v2.1/servers/1?token=***', microversion: 'compute 2.96' },
        status: { real: 200, ours: 203 },
        headers: [{ name: 'vary', real: 'real', ours: 'ours' }],
        differences: [
          { pointer: '/server/name', real: 'real', ours: 'ours' },
          { pointer: '/server/adminPass', real: '***', ours: '***' },
          { pointer: '/server/user_data', real: '***', ours: '***' },
          { pointer: '/server/url', real: 'http://x/?token=***', ours: 'http://x/?token=***' },
        ],
        requestId: { real: 'req-real', ours: 'req-ours' },
        ms: { real: expect.any(Number), ours: expect.any(Number) },
        lasting: true,
      },
    ])
    expect(running.text()).not.toContain('secret')
    expect(JSON.stringify(running.summary())).not.toContain('secret')
    expect(running.summary().kinds).toEqual([
      { kind: expect.stringContaining('GET /servers/{id}: 200 is 203, vary, /server/name'), times: 1 },
    ])
  })

  test('what changed in between is a race, and no difference', async () => {
    let state = 'BUILD'
    const real = await api((message, response) => {
      says({ state })(message, response)
      state = 'ACTIVE'
    })
    const ours = await api((message, response) => says({ state: 'ACTIVE' })(message, response))
    const running = await shadow(real.url, ours.url)
    await running.get('/')
    await running.settled(1)
    expect(running.summary().counts).toMatchObject({ compared: 1, same: 1, races: 1, different: 0 })
    expect(running.lines).toEqual([])
  })

  test('what changes all the time is given up, and a difference that goes is told as such', async () => {
    let number = 0
    const moves = await api((message, response) => says({ number: number++ })(message, response))
    const still = await api(says({ number: 'x' }))
    const running = await shadow(moves.url, still.url)
    await running.get('/')
    await running.settled(1)
    expect(running.summary().counts).toMatchObject({ compared: 1, same: 0, different: 0, unsettled: 1 })
    let times = 0
    const late = await api((message, response) => says({ number: times++ === 0 ? 'old' : 'x' })(message, response))
    const other = await shadow(still.url, late.url)
    await other.get('/')
    await other.settled(1)
    expect(other.lines).toMatchObject([{ kind: 'different', lasting: false }])
  })

  test('one kind is written so often, and then counted', async () => {
    const [real, ours] = [await api(says({ a: 1 })), await api(says({ a: 2 }))]
    const running = await shadow(real.url, ours.url, { repeat: 2 })
    for (let id = 0; id < 5; id++) await running.get(`/v2.1/flavors/${id}`)
    await running.settled(5)
    expect(running.lines).toHaveLength(2)
    expect(running.lines[1]).toMatchObject({ note: 'further ones of this kind are only counted' })
    expect(running.summary()).toMatchObject({ counts: { different: 5 }, kinds: [{ kind: 'GET /flavors/{id}: /a', times: 5 }] })
  })

  test('ours is not there', async () => {
    const real = await api(says({}))
    const running = await shadow(real.url, await nobody())
    expect((await running.get('/v2.1/servers')).status).toBe(200)
    await running.settled(1)
    expect(running.lines).toMatchObject([
      { kind: 'unanswered', method: 'GET', path: '/v2.1/servers', error: 'ECONNREFUSED', status: { real: 200 } },
    ])
    expect(running.summary().counts).toMatchObject({ compared: 0, unanswered: 1 })
  })

  test('ours is slow: clients do not notice, the queue has an end, and what is dropped is counted', async () => {
    const real = await api(says({}))
    let release = false
    const waiting: (() => void)[] = []
    const ours = await api((message, response) => {
      const answer = () => says({})(message, response)
      if (release) answer()
      else waiting.push(answer)
    })
    const running = await shadow(real.url, ours.url, { concurrency: 2, queue: 3 })
    for (let i = 0; i < 10; i++) expect((await running.get('/')).status).toBe(200)
    await until('five have been dropped and two wait', () => running.summary().counts.dropped.queueFull === 5 && waiting.length === 2)
    expect(running.summary()).toMatchObject({ waiting: 5, counts: { compared: 0 } })
    release = true
    for (const answer of waiting) answer()
    await running.settled(10)
    expect(running.summary().counts).toMatchObject({ compared: 5, same: 5, dropped: { queueFull: 5, unfinished: 0 } })
  })

  test('ours does not answer in time', async () => {
    const real = await api(says({}))
    const ours = await api(() => undefined)
    const running = await shadow(real.url, ours.url, { oursSeconds: 0.1 })
    await running.get('/')
    await running.settled(1)
    expect(running.lines).toMatchObject([{ kind: 'unanswered', error: 'ETIMEDOUT', message: 'no answer within 0.1 s' }])
  })

  test('the end does not wait for ever', async () => {
    const real = await api(says({}))
    const ours = await api(() => undefined)
    const running = await shadow(real.url, ours.url, { drainSeconds: 0.1 })
    await running.get('/')
    await until('ours has been asked', () => ours.asked.length === 1)
    expect((await running.stop()).counts.dropped.unfinished).toBe(1)
    expect(running.lines).toEqual([])
  })

  test('huge answers reach the client and are not kept', async () => {
    const body = Buffer.alloc(3_000_000, 'x')
    const real = await api((_, response) => void response.writeHead(200).end(body))
    const running = await shadow(real.url, real.url, { largestBytes: 2_000_000 })
    expect((await (await running.get('/')).arrayBuffer()).byteLength).toBe(3_000_000)
    await running.settled(1)
    expect(running.summary().counts).toMatchObject({ compared: 0, dropped: { tooLarge: 1 } })
    const little = await shadow(real.url, real.url, { heldBytes: 2_000_000 })
    await (await little.get('/')).arrayBuffer()
    await little.settled(1)
    expect(little.summary().counts.dropped.memory).toBe(1)
    const enough = await shadow(real.url, real.url)
    await (await enough.get('/')).arrayBuffer()
    await enough.settled(1)
    expect(enough.summary().counts).toMatchObject({ same: 1 })
  })

  test('an answer counts for what it is unpacked', async () => {
    const packed = gzipSync(Buffer.alloc(3_000_000, 'x'))
    const real = await api((_, response) => void response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(packed))
    const running = await shadow(real.url, real.url, { heldBytes: 2_000_000 })
    await (await running.get('/')).arrayBuffer()
    await running.settled(1)
    expect(running.summary().counts).toMatchObject({ compared: 0, dropped: { memory: 1 } })
  })

  test('the memory of what was compared is free again', async () => {
    const real = await api((_, response) => void response.writeHead(200).end(Buffer.alloc(900_000, 'x')))
    const running = await shadow(real.url, real.url, { heldBytes: 1_000_000 })
    for (let i = 1; i <= 4; i++) {
      await (await running.get('/')).arrayBuffer()
      await running.settled(i)
    }
    expect(running.summary().counts).toMatchObject({ same: 4, dropped: { memory: 0 } })
  })

  test('of the reads only a part, and none that has a body', async () => {
    const real = await api(says({}))
    const none = await shadow(real.url, real.url, { samplePercent: 0 })
    await none.get('/')
    expect(none.summary().counts).toMatchObject({ reads: 1, dropped: { notSampled: 1 } })
    const all = await shadow(real.url, real.url)
    const request = 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}'
    await exchange(Number(new URL(all.address).port), request)
    expect(real.asked.at(-1)!.body).toBe('{}')
    expect(all.summary().counts).toMatchObject({ reads: 1, dropped: { hasBody: 1 } })
  })

  test('counts are there for Prometheus', async () => {
    const { freePorts } = await import('../../tests/support/free-ports.ts')
    const port = await freePorts(1)
    const real = await api(says({}))
    const running = await shadow(real.url, real.url, { metrics: { kind: 'tcp', host: '127.0.0.1', port } })
    await running.get('/')
    await running.settled(1)
    const page = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    expect(page).toContain('nova_shadow_same_total 1\n')
    expect(page).toContain('nova_shadow_dropped_total{reason="queue_full"} 0\n')
    expect(page).toMatch(/nova_shadow_seconds_bucket\{side="ours",le="\+Inf"\} 1\n/)
  })
})

/** What comes back on a connection of its own, to its end. */
function exchange(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = net.connect(port, '127.0.0.1', () => socket.write(request))
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('end', () => resolve(text)).on('error', reject)
  })
}
