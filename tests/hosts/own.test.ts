/** The cases on our own host: HTTP, HTTPS, a UNIX socket, the uwsgi protocol, and a mount, in front of the same application. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePorts } from '../support/free-ports.ts'
import { cases, runCase, type Target } from './cases.ts'
import { signCertificate } from './certificates.ts'
import { echoModule, endAll, type OwnHost, ownHost } from './own.ts'
import { uwsgiFront } from './uwsgi-front.ts'
import { ask, connect } from './wire.ts'

// on machines that may be busy
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), 'hosts-'))
let host: OwnHost
let front: Awaited<ReturnType<typeof uwsgiFront>>
const targets: Record<string, Target> = {}

beforeAll(async () => {
  const http = await freePorts(2)
  const https = http + 1
  const [unix, uwsgi] = [join(folder, 'http.sock'), join(folder, 'uwsgi.sock')]
  const { cert, key } = signCertificate(folder, 'first')
  const listen = [`http://127.0.0.1:${http}`, `https://127.0.0.1:${https}`, `http:${unix}`, `uwsgi:${uwsgi}`]
  host = ownHost([echoModule, ...listen.flatMap((address) => ['--listen', address]), '--cert', cert, '--key', key, '--prefix', '/compute'])
  await host.says(/on uwsgi:/)
  front = await uwsgiFront(uwsgi, '/placed')
  targets.http = { name: 'HTTP', port: http }
  targets.https = { name: 'HTTPS', port: https, secure: true, scheme: 'https' }
  targets.unix = { name: 'UNIX socket', socketPath: unix }
  targets.prefix = { name: 'HTTP under a prefix', port: http, prefix: '/compute' }
  targets.uwsgi = { name: 'uwsgi protocol', port: front.port, prefix: '/placed' }
})
afterAll(() => {
  front?.close()
  endAll()
  rmSync(folder, { recursive: true })
})

for (const name of ['http', 'https', 'unix', 'prefix', 'uwsgi'])
  describe.concurrent(name, () => {
    // the mount is the same in every protocol: where it shows is enough
    for (const one of cases.filter((each) => name !== 'prefix' || /path|prefix|query/.test(each.name)))
      test(one.name, async () => {
        const { result, why } = await runCase(one, targets[name]!)
        expect([result, why]).toEqual(['passed', undefined])
      })
  })

// node:http leaves it to whoever listens, and closes the connection when nobody does
for (const name of ['http', 'https', 'unix'])
  for (const [target, path] of [
    ['/echo', '/echo'],
    ['somewhere:443', '/somewhere:443'],
  ] as const)
    test(`${name}: CONNECT ${target} is a method like any other, and no tunnel`, async () => {
      const connection = await connect(targets[name]!)
      connection.send(`CONNECT ${target} HTTP/1.1\r\nHost: x\r\nX-Mine: 1\r\n\r\n`)
      const answer = await connection.answer()
      const seen = JSON.parse(answer.body)
      expect([answer.status, seen.method, seen.path, seen.headers['x-mine']]).toEqual([200, 'CONNECT', path, '1'])
      expect(await connection.ends(5000)).toBe(true)
    })

for (const name of ['http', 'uwsgi'])
  test(`${name}: an application that gives what cannot be sent is a 500, and the log says what`, async () => {
    const { prefix = '' } = targets[name]!
    const answer = await ask(targets[name]!, `GET ${prefix}/careless/${name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    expect([answer.status, answer.body]).toEqual([500, 'Internal Server Error\n'])
    await host.says(
      /ERROR nova\.host \[-\] the application failed: TypeError: \S+echo\.ts gave no answer that can be sent: its body is a number/,
    )
  })
