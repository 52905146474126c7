/** What happens when one side of the Python bridge dies, when workers are recycled, and when a worker of ours is killed behind HAProxy. */
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from '../../support/free-ports.ts'
import { until } from '../../support/until.ts'
import { load, loadRow } from '../load.ts'
import { echoModule, ownHost, root } from '../own.ts'
import { ask, connect } from '../wire.ts'
import { type Started, start } from './processes.ts'
import type { RealCheck } from './real.ts'

const get = async (port: number, path: string, more = '') =>
  ask({ port }, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n`)
const nodeOf = async (port: number): Promise<number> => JSON.parse((await get(port, '/pid')).body).pid
const gone = async (pid: number): Promise<boolean> => {
  for (let tries = 0; tries < 100 && existsSync(`/proc/${pid}`); tries++) await delay(50)
  return !existsSync(`/proc/${pid}`)
}
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

function gunicorn(folder: string, port: number, more: readonly string[] = []): Promise<Started> {
  writeFileSync(
    join(folder, 'echo_wsgi.py'),
    `from nova.wsgi.beside import Application\napplication = Application(${JSON.stringify(echoModule)})\n`,
  )
  const words = ['/usr/bin/gunicorn', '--bind', `127.0.0.1:${port}`, '--threads', '4', '--timeout', '10', ...more, 'echo_wsgi:application']
  const env = {
    NOVA_TS_COMMAND: `${process.execPath} ${join(root, 'bin', 'nova-ts.js')}`,
    PYTHONPATH: `${join(root, 'python')}:${folder}`,
    TMPDIR: folder,
    PYTHONDONTWRITEBYTECODE: '1',
  }
  return start(words, { port }, { folder, name: 'gunicorn-faults', env })
}

type Check = { readonly name: string; readonly needs: string; readonly run: (folder: string, port: number) => Promise<string | null> }

const checks: readonly Check[] = [
  {
    name: 'the process beside a worker is killed: the next GET finds a new one',
    needs: '/usr/bin/gunicorn',
    async run(folder, port) {
      const server = await gunicorn(folder, port)
      try {
        for (let i = 0; i < 3; i++) {
          const before = await nodeOf(port)
          process.kill(before, 'SIGKILL')
          await gone(before)
          const after = await nodeOf(port)
          if (after === before) return 'the same process answered'
        }
        return null
      } finally {
        await server.stop()
      }
    },
  },
  {
    name: 'it is killed while it answers: a GET is asked again, a POST is told 502, half an answer is not made whole',
    needs: '/usr/bin/gunicorn',
    async run(folder, port) {
      const server = await gunicorn(folder, port)
      try {
        // not before the application has the request: a process that is only starting has nothing to lose
        const killDuring = async (name: string) => {
          await until(`${name} has begun`, async () => JSON.parse((await get(port, `/begun/${name}`)).body).begun as boolean)
          process.kill(await nodeOf(port), 'SIGKILL')
        }
        const [read] = await Promise.all([get(port, '/slow/1500/read'), killDuring('read')])
        if (read.status !== 200 || read.body !== '{"end":"done"}') return `GET: ${read.status} ${read.body}`
        const post = ask({ port }, 'POST /slow/1500/written HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}')
        const [written] = await Promise.all([post, killDuring('written')])
        if (written.status !== 502) return `POST: ${written.status} ${written.body}`
        const node = await nodeOf(port)
        const connection = await connect({ port })
        connection.send('GET /stream/400 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        await connection.begins()
        process.kill(node, 'SIGKILL')
        return await connection.answer().then(
          (answer) => `a whole answer of ${answer.bytes} bytes`,
          () => null,
        )
      } finally {
        await server.stop()
      }
    },
  },
  {
    name: 'a worker is killed: what runs beside it ends too, and its folder is the next one’s business',
    needs: '/usr/bin/gunicorn',
    async run(folder, port) {
      const server = await gunicorn(folder, port)
      try {
        const node = await nodeOf(port)
        const [worker] = childrenOf(server.pid)
        process.kill(worker!, 'SIGKILL')
        if (!(await gone(node))) return 'it still runs'
        for (let tries = 0; tries < 100; tries++)
          try {
            return (await nodeOf(port)) === node ? 'the same process' : null
          } catch {
            await delay(100)
          }
        return 'no worker came back'
      } finally {
        await server.stop()
      }
    },
  },
  {
    name: 'workers are recycled under load: no failed request, nothing left behind',
    needs: '/usr/bin/gunicorn',
    async run(folder, port) {
      const server = await gunicorn(folder, port, ['--workers', '2', '--max-requests', '40', '--max-requests-jitter', '10'])
      const nodes = new Set<number>()
      try {
        await nodeOf(port)
        const watch = async () => {
          for (let i = 0; i < 12; i++) {
            nodes.add(await nodeOf(port).catch(() => 0))
            await delay(400)
          }
        }
        const [result] = await Promise.all([load({ port, clients: 4, seconds: 5, keepAlive: false, retry: true }), watch()])
        if (result.failed > 0) return `${result.failed} of ${result.requests} failed: ${result.reasons.join('; ')}`
        if (nodes.size < 3) return `only ${nodes.size} processes in turn: nothing was recycled`
      } finally {
        await server.stop()
      }
      for (const node of nodes) if (node > 0 && !(await gone(node))) return `process ${node} is left`
      const left = readdirSync(folder).filter((name) => name.startsWith('nova-ts-'))
      return left.length === 0 ? null : `${left.join(', ')} left`
    },
  },
  {
    name: 'a client goes away in the middle of an answer: the process hears of it',
    needs: '/usr/bin/gunicorn',
    async run(folder, port) {
      const server = await gunicorn(folder, port)
      try {
        const connection = await connect({ port })
        connection.send('GET /stream/100000 HTTP/1.1\r\nHost: x\r\n\r\n')
        await connection.begins()
        connection.abort()
        const node = await nodeOf(port)
        // its end of the socket is closed: the listening one and one for the question alone are left
        for (let tries = 0; tries < 60; tries++) {
          if (openSockets(node) <= 2) return null
          await delay(100)
        }
        return `${openSockets(node)} sockets are still open`
      } finally {
        await server.stop()
      }
    },
  },
  {
    name: 'kill -9 of workers behind HAProxy under load: no failed request',
    needs: '/usr/sbin/haproxy',
    async run(folder, port) {
      const behind = await freePorts(1)
      const host = ownHost([echoModule, '--listen', `http://127.0.0.1:${behind}`, '--workers', '2'])
      await host.says(/all 2 workers are ready/)
      const file = join(folder, 'haproxy.cfg')
      writeFileSync(
        file,
        `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
listen nova
  bind 127.0.0.1:${port}
  option httpchk HEAD /
  retry-on all-retryable-errors
  retries 3
  server own 127.0.0.1:${behind}
`,
      )
      const proxy = await start(['/usr/sbin/haproxy', '-f', file, '-db'], { port }, { folder, name: 'haproxy-faults', signal: 'SIGINT' })
      try {
        const kills = async () => {
          for (let i = 0; i < 3; i++) {
            await delay(1200)
            process.kill(await nodeOf(behind), 'SIGKILL')
          }
        }
        const [result] = await Promise.all([load({ port, clients: 8, seconds: 5, keepAlive: true }), kills()])
        process.stdout.write(`${loadRow('kill -9 of workers behind HAProxy', result)}\n`)
        return result.failed === 0 ? null : `${result.failed} of ${result.requests} failed: ${result.reasons.join('; ')}`
      } finally {
        await proxy.stop()
        await host.end()
      }
    },
  },
]

/** Connections on the bridge's socket that a process holds, the listening one included. */
function openSockets(pid: number): number {
  const own = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]
    } catch {
      return undefined
    }
  })
  const named = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .filter((line) => line.includes('/nova-ts-'))
  return named.filter((line) => own.includes(line.trim().split(/\s+/)[6])).length
}

export async function checkFaults(folder: string): Promise<(RealCheck | { readonly name: string; readonly skipped: true })[]> {
  const results: (RealCheck | { name: string; skipped: true })[] = []
  for (const [index, { name, needs, run }] of checks.entries()) {
    if (!existsSync(needs)) {
      results.push({ name, skipped: true })
      continue
    }
    const place = join(folder, `fault-${index}`)
    mkdirSync(place)
    results.push({ name, problem: await run(place, await freePorts(1)).catch((error: Error) => error.message) })
  }
  return results
}
