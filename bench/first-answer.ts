/** How long one of Nova's services takes as an operator starts it (`nova-ts host`), from the command to its first 200 on `/`. */
import { spawn } from 'node:child_process'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from '../tests/support/free-ports.ts'
import { cpuMs } from './process.ts'

/** Between two questions to one that does not listen yet. */
const everyMs = 2
const patienceMs = 30_000

const bin = join(import.meta.dirname, '..', 'bin', 'nova-ts.js')

/** In seconds: how long it took, and how much work of its process. `env` says where the configuration is. */
export async function firstAnswer(module: string, env: NodeJS.ProcessEnv): Promise<{ elapsed: number; cpu: number }> {
  const port = await freePorts(1)
  const begin = performance.now()
  const child = spawn(process.execPath, [bin, 'host', module, '--listen', `http://127.0.0.1:${port}`, '--tether'], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  try {
    while ((await statusOf(port)) !== 200) {
      if (performance.now() - begin > patienceMs) throw new Error(`${module} does not answer`)
      await delay(everyMs)
    }
    return { elapsed: (performance.now() - begin) / 1000, cpu: cpuMs(child.pid!) / 1000 }
  } finally {
    child.kill('SIGTERM')
    await ended
  }
}

/** 0 while nobody listens. */
function statusOf(port: number): Promise<number> {
  return new Promise((resolve) => {
    request({ host: '127.0.0.1', port, path: '/', agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode!)
    })
      .on('error', () => resolve(0))
      .end()
  })
}
