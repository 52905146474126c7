/** A bounded load on this machine's loopback while workers are replaced or die, and the count of what failed. `node tests/hosts/load.ts` prints a table. */
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from '../support/free-ports.ts'
import { echoModule, endAll, type OwnHost, ownHost } from './own.ts'
import { uwsgiFront } from './uwsgi-front.ts'

export interface LoadResult {
  readonly requests: number
  /** Without the answer that was expected. */
  readonly failed: number
  /** Connections that broke before an answer began and were tried again, where the scenario allows that. */
  readonly retried: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Why, each once. */
  readonly reasons: readonly string[]
}

export interface LoadOptions {
  readonly port: number
  readonly clients: number
  readonly seconds: number
  readonly keepAlive: boolean
  /** Clients try once more what broke before an answer began, as those of Go, curl and urllib3 do with GET. */
  readonly retry?: boolean
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Between two requests of a client: the load is meant to be there, not to be heavy. */
const pauseMs = 10

export async function load({
  port,
  clients,
  seconds,
  keepAlive,
  retry = false,
  path = '/vary',
  headers = {},
}: LoadOptions): Promise<LoadResult> {
  const agent = new Agent({ keepAlive, maxSockets: clients })
  const end = performance.now() + seconds * 1000
  const times: number[] = []
  const reasons = new Set<string>()
  let failed = 0
  let retried = 0
  async function client(): Promise<void> {
    while (performance.now() < end) {
      const start = performance.now()
      let outcome = await getOnce({ port, path, agent, headers })
      if (outcome === 'broken' && retry) {
        retried++
        // on a connection of its own: others that were kept are broken as well
        outcome = await getOnce({ port, path, agent: new Agent(), headers })
      }
      times.push(performance.now() - start)
      if (outcome !== 'answered') {
        failed++
        reasons.add(outcome)
      }
      await delay(pauseMs)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  agent.destroy()
  times.sort((a, b) => a - b)
  const at = (part: number) => times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? 0
  return { requests: times.length, failed, retried, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), reasons: [...reasons] }
}

interface Asked {
  readonly port: number
  readonly path: string
  readonly agent: Agent
  readonly headers: Readonly<Record<string, string>>
}

/** `broken`: the connection ended before an answer began. */
function getOnce({ port, path, agent, headers }: Asked): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, path, agent, headers, timeout: 10_000 }, (answer) => {
      answer.on('end', () => resolve(answer.statusCode === 200 ? 'answered' : `status ${answer.statusCode}`))
      answer.on('error', (error) => resolve(`in the answer: ${error.message}`))
      answer.resume()
    })
    asked.on('timeout', () => asked.destroy(new Error('no answer for ten seconds')))
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNRESET' ? 'broken' : error.message))
    asked.end()
  })
}

export interface Scenario {
  readonly name: string
  readonly workers: number
  readonly keepAlive: boolean
  readonly retry?: boolean
  /** Clients come through the uwsgi protocol. */
  readonly uwsgi?: boolean
  /** What happens to the host meanwhile. */
  readonly disturb: (host: OwnHost, port: number, seconds: number) => Promise<void>
}

const reloads: Scenario['disturb'] = async (host, _, seconds) => {
  const times = Math.max(1, Math.floor(seconds / 2))
  for (let i = 1; i <= times; i++) {
    await delay(300)
    host.child.kill('SIGHUP')
    await host.says(new RegExp(`(all workers have been replaced[\\s\\S]*){${i}}`))
  }
}

const pidOf = async (port: number): Promise<number> => {
  const answer = await fetch(`http://127.0.0.1:${port}/pid`, { headers: { connection: 'close' } })
  return ((await answer.json()) as { pid: number }).pid
}

const kills =
  (path: string | null): Scenario['disturb'] =>
  async (_, port, seconds) => {
    for (let i = 0; i < Math.max(1, Math.floor(seconds / 2)); i++) {
      await delay(700)
      if (path === null) process.kill(await pidOf(port), 'SIGKILL')
      else await (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })).arrayBuffer()
    }
  }

export const scenarios: readonly Scenario[] = [
  { name: 'reload, connections kept', workers: 2, keepAlive: true, disturb: reloads },
  { name: 'reload, a connection for each request', workers: 2, keepAlive: false, disturb: reloads },
  { name: 'reload of a single worker', workers: 1, keepAlive: true, disturb: reloads },
  { name: 'reload, uwsgi protocol', workers: 2, keepAlive: false, uwsgi: true, disturb: reloads },
  { name: 'errors that nobody caught', workers: 2, keepAlive: true, disturb: kills('/crash') },
  { name: 'kill -9 of a worker, clients retry', workers: 2, keepAlive: true, retry: true, disturb: kills(null) },
  { name: 'kill -9 of the only worker, clients retry', workers: 1, keepAlive: true, retry: true, disturb: kills(null) },
]

export async function runScenario(
  { workers, keepAlive, retry, uwsgi, disturb }: Scenario,
  clients: number,
  seconds: number,
): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'load-'))
  const port = await freePorts(1)
  const socket = join(folder, 'uwsgi.sock')
  const host = ownHost([echoModule, '--listen', `http://127.0.0.1:${port}`, '--listen', `uwsgi:${socket}`, '--workers', String(workers)])
  await host.says(/(all \d+ workers are|the worker is) ready/)
  const front = uwsgi ? await uwsgiFront(socket) : undefined
  try {
    const [result] = await Promise.all([
      load({ port: front?.port ?? port, clients, seconds, keepAlive, retry: retry === true }),
      disturb(host, port, seconds),
    ])
    return result
  } finally {
    front?.close()
    await host.end()
    rmSync(folder, { recursive: true })
  }
}

export const loadRow = (name: string, { requests, failed, retried, p50Ms, p99Ms, maxMs }: LoadResult): string =>
  `${name.padEnd(44)} ${String(requests).padStart(8)} ${String(failed).padStart(6)} ${String(retried).padStart(7)} ${p50Ms.toFixed(1).padStart(8)} ${p99Ms.toFixed(1).padStart(8)} ${maxMs.toFixed(0).padStart(6)}`

export const loadHead = `${'scenario'.padEnd(44)} requests failed retried   p50 ms   p99 ms max ms`

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(`${loadHead}\n`)
  let failed = 0
  for (const scenario of scenarios) {
    const result = await runScenario(scenario, 16, Number(process.argv[2] ?? 6))
    failed += result.failed
    process.stdout.write(`${loadRow(scenario.name, result)}${result.reasons.length > 0 ? `  ${result.reasons.join('; ')}` : ''}\n`)
  }
  endAll()
  process.exit(failed > 0 ? 1 : 0)
}
