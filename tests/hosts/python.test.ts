/** The Python package under `wsgiref` of the standard library, whose validator knows PEP 3333 to the letter. Servers that people use: `npm run hosts`. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { freePorts } from '../support/free-ports.ts'
import { until } from '../support/until.ts'
import { cases, runCase, type Target } from './cases.ts'
import { echoModule, root } from './own.ts'
import { ask, connect } from './wire.ts'

// on machines that may be busy
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), 'python-'))
const script = join(folder, 'serve.py')
writeFileSync(
  script,
  `import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.validate import validator
from nova.wsgi.beside import Application

class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

class Quiet(WSGIRequestHandler):
    def log_message(self, *words):
        pass

make_server("127.0.0.1", int(sys.argv[2]), validator(Application(sys.argv[1])), Server, Quiet).serve_forever()
`,
)
const python = spawnSync('python3', ['-c', 'import wsgiref.validate']).status === 0

describe.skipIf(!python)('under wsgiref and its validator', () => {
  let server: ChildProcess
  let output = ''
  const target: { -readonly [K in keyof Target]: Target[K] } = { name: 'wsgiref' }
  beforeAll(async () => {
    target.port = await freePorts(1)
    server = spawn('python3', [script, echoModule, String(target.port)], {
      env: {
        ...process.env,
        PYTHONPATH: join(root, 'python'),
        PYTHONDONTWRITEBYTECODE: '1',
        TMPDIR: folder,
        NOVA_TS_COMMAND: `${process.execPath} ${join(root, 'bin', 'nova-ts.js')}`,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [server.stdout!, server.stderr!]) stream.on('data', (chunk: Buffer) => (output += chunk))
    for (let tries = 0; tries < 400; tries++)
      try {
        return (await connect(target)).abort()
      } catch {
        await delay(50)
      }
    throw new Error(output)
  })
  afterAll(() => {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })

  // this server speaks HTTP/1.0 and reads no chunks
  const told = /with a body|megabyte|POST without|HEAD|Vary|head of|204|304|errors|fails|large|pieces|slowly|query/
  for (const one of cases.filter(({ name }) => told.test(name)))
    if (!/keep-alive/.test(one.name))
      test(one.name, async () => {
        const { result, why } = await runCase(one, target)
        expect([result, why], output).toEqual(['passed', undefined])
      })

  test('breaks no rule of PEP 3333', () => expect(output).not.toMatch(/AssertionError|Traceback/))

  test('the process beside it is replaced when it dies, and ends with it', async () => {
    const pid = async () => JSON.parse((await ask(target, 'GET /pid HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).body).pid as number
    const first = await pid()
    process.kill(first, 'SIGKILL')
    const second = await pid()
    expect(second).not.toBe(first)
    server.kill('SIGKILL')
    await until('the process beside it has ended', () => !existsSync(`/proc/${second}`))
    // the first folder was removed; the second is what a killed worker leaves
    expect(readdirSync(folder).filter((name) => name.startsWith('nova-ts-')).length).toBe(1)
  })
})
