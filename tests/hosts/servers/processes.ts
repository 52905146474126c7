/** Servers that a run starts: each in a folder of its own, stopped by its number, its output kept for who asks why it failed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { connect, type Place } from '../wire.ts'

export interface Started {
  readonly pid: number
  stop(): Promise<void>
}

const running = new Set<ChildProcess>()

export interface StartOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
  /** Its output goes to `<name>.log` there. */
  readonly folder: string
  readonly name: string
  readonly signal?: NodeJS.Signals
}

/** Starts a program and waits until it answers at `place`. Rejects with what it wrote when it does not. */
export async function start(
  [program, ...args]: readonly string[],
  place: Place,
  { cwd, env, folder, name, signal = 'SIGTERM' }: StartOptions,
): Promise<Started> {
  const log = join(folder, `${name}.log`)
  const out = openSync(log, 'a')
  const child = spawn(program!, args, { cwd: cwd ?? folder, env: { ...process.env, ...env }, stdio: ['ignore', out, out] })
  running.add(child)
  let ended = false
  const gone = new Promise<void>((resolve) => {
    const end = () => {
      ended = true
      running.delete(child)
      resolve()
    }
    child.on('exit', end).on('error', end)
  })
  const stop = async () => {
    child.kill(signal)
    const late = setTimeout(() => child.kill('SIGKILL'), 5000)
    await gone
    clearTimeout(late)
  }
  for (let tries = 0; tries < 600; tries++) {
    if (ended) throw new Error(`${name} ended at once: ${readFileSync(log, 'utf8').slice(-2000)}`)
    try {
      ;(await connect(place)).abort()
      return { pid: child.pid!, stop }
    } catch {
      await delay(50)
    }
  }
  await stop()
  throw new Error(`${name} does not answer: ${readFileSync(log, 'utf8').slice(-2000)}`)
}

/** Ends what is still there. */
export function stopAll(): void {
  for (const child of running) child.kill('SIGKILL')
}
