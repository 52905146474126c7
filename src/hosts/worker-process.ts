/** A worker as the supervisor sees it, and the supervisor as a worker sees it: the words that they exchange. */
import { spawn } from 'node:child_process'
import type { OwnModules } from './load.ts'
import type { Snapshot } from './metrics-page.ts'
import { onUncaught, stackOf } from './process-events.ts'
import { type Running, startRunning } from './running.ts'
import { hostSinks, serviceLog } from './service-log.ts'
import type { DrainLimits } from './serving.ts'
import type { HostSettings } from './settings.ts'
import type { Launched, WorkerEvents } from './supervisor.ts'

/** To a worker. */
type Order =
  | { readonly start: { readonly settings: HostSettings; readonly fds: readonly number[]; readonly worker: number } }
  | { readonly drain: DrainLimits }
  | { readonly snapshot: number }
  | { readonly alive: true }

/** From a worker. */
type Word =
  | { readonly ready: true }
  | { readonly failed: string }
  | { readonly leaving: string; readonly planned: boolean }
  | { readonly snapshot: number; readonly metrics: Snapshot }
  | { readonly last: Snapshot }
  | { readonly alive: true }

/** What runs a worker. */
export interface WorkerCommand {
  readonly program: string
  readonly args: readonly string[]
  /** What it has in its environment where ours says nothing. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface LaunchParts {
  readonly command: WorkerCommand
  readonly settings: HostSettings
  readonly fds: readonly number[]
  readonly worker: number
  /** Takes what a worker counted when it ends. */
  readonly keep: (last: Snapshot) => void
}

/** Descriptors of sockets begin here in a worker: behind the three of every process and the one to the supervisor. */
const firstSocket = 4
/** How often a worker whose requests have a limit is asked whether it lives. */
const pulseMs = 500
/** Who does not say in time what it counted is left out. */
const snapshotMs = 1000

export function launchWorker(
  { command, settings, fds, worker, keep }: LaunchParts,
  events: WorkerEvents,
): Launched & { snapshot(): Promise<Snapshot> } {
  const { program, args, environment: more } = command
  const { LISTEN_FDS: _, LISTEN_PID: __, LISTEN_FDNAMES: ___, NOTIFY_SOCKET: ____, ...env } = { ...more, ...process.env }
  const child = spawn(program, args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...fds] })
  let serves = false
  let over = false
  let asked = 0
  let unheard = 0
  let pulse: NodeJS.Timeout | undefined
  const waiting = new Map<number, (metrics: Snapshot) => void>()
  const end = (how: string) => {
    if (over) return
    over = true
    clearInterval(pulse)
    for (const answer of waiting.values()) answer([])
    events.ended(how)
  }
  const order = (one: Order) => {
    if (child.connected) child.send(one, () => undefined)
  }
  /** One that only computes cannot give a request up by itself. Counted in questions: a machine that slept has heard nobody either. */
  const look = () => {
    if (unheard++ * pulseMs < settings.requestSeconds * 1000) return order({ alive: true })
    events.failed(`it has not been heard of for ${settings.requestSeconds} s`)
    child.kill('SIGKILL')
  }
  child.on('message', (word: Word) => {
    unheard = 0
    if ('alive' in word) return
    if ('ready' in word) {
      serves = true
      if (settings.requestSeconds > 0) pulse = setInterval(look, pulseMs)
      events.ready()
    } else if ('failed' in word) events.failed(word.failed)
    else if ('leaving' in word) events.leaving(word.leaving, word.planned)
    else if ('last' in word) {
      // counted once, there
      serves = false
      keep(word.last)
    } else waiting.get(word.snapshot)?.(word.metrics)
  })
  child.on('exit', (code, signal) => end(signal ?? `exit ${code}`))
  // without a process there is no exit either
  child.on('error', (error) => end(error.message))
  order({ start: { settings, fds: fds.map((_, index) => firstSocket + index), worker } })
  return {
    pid: child.pid ?? 0,
    drain: (limits) => order({ drain: limits }),
    kill: () => void child.kill('SIGKILL'),
    snapshot() {
      if (!serves || over) return Promise.resolve([])
      const id = ++asked
      return new Promise((resolve) => {
        const late = setTimeout(() => answer([]), snapshotMs)
        const answer = (metrics: Snapshot) => {
          clearTimeout(late)
          waiting.delete(id)
          resolve(metrics)
        }
        waiting.set(id, answer)
        order({ snapshot: id })
      })
    },
  }
}

/** A worker's whole life. It ends the process. */
export async function runWorker(own?: OwnModules): Promise<never> {
  const { start } = await new Promise<Extract<Order, { start: unknown }>>((resolve) =>
    process.once('message', resolve as (m: unknown) => void),
  )
  const { settings, fds, worker } = start
  const sinks = hostSinks(settings.logFile, settings.logMode)
  const say = serviceLog({ form: settings.serviceLog, sink: sinks.service })
  const usual: DrainLimits = { totalMs: settings.drainSeconds * 1000, idleMs: settings.drainSeconds * 1000 }
  let running: Running | undefined
  let ending = false

  async function end(limits: DrainLimits, status = 0): Promise<void> {
    // told again, with less time
    if (ending) return void (await running?.drain(limits))
    ending = true
    await running?.drain(limits)
    await tell({ last: (await running?.snapshot()) ?? [] })
    process.exit(status)
  }
  function leave(reason: string, planned: boolean): void {
    if (ending) return
    void tell({ leaving: reason, planned })
    void end(usual, planned ? 0 : 1)
  }
  process.on('message', (order: Order) => {
    if ('drain' in order) void end(order.drain)
    else if ('alive' in order) void tell({ alive: true })
    else if ('snapshot' in order) void running?.snapshot().then((metrics) => tell({ snapshot: order.snapshot, metrics }))
  })
  // without a supervisor nobody would ever end it
  process.on('disconnect', () => void end(usual))
  process.on('SIGTERM', () => leave('SIGTERM', true))
  // A terminal sends these to all processes at once; the supervisor decides.
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => undefined)
  onUncaught((error) => {
    say('ERROR', `an error that nobody caught: ${stackOf(error)}`)
    leave('an error that nobody caught', false)
  })
  try {
    running = await startRunning({
      ...{ settings, fds, worker, say, own, access: sinks.access },
      giveWay: (reason) => leave(reason, true),
    })
  } catch (error) {
    await tell({ failed: error instanceof Error ? error.message : String(error) })
    process.exit(1)
  }
  void tell({ ready: true })
  return await new Promise<never>(() => undefined)
}

const tell = (word: Word): Promise<void> =>
  new Promise((resolve) => {
    if (process.send && process.connected) process.send(word, undefined, {}, () => resolve())
    else resolve()
  })
