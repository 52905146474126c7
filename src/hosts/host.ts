/**
 * `nova-ts host` as a process: binds, gives up what it need not be, and serves by itself or through workers, until it is told to end.
 * SIGTERM and SIGINT let requests finish (a second one ends at once), SIGQUIT ends at once, SIGHUP reads certificates anew and replaces workers.
 */
import { rmSync, writeFileSync } from 'node:fs'
import type { OwnModules } from './load.ts'
import { type MetricsPage, metricsPage, type Snapshot, type SupervisorCounts } from './metrics-page.ts'
import { serveMetrics } from './metrics-server.ts'
import { dropPrivileges } from './privileges.ts'
import { onSignals, onStandardInputEnd, onUncaught, stackOf } from './process-events.ts'
import { startRunning } from './running.ts'
import { type HostSinks, hostSinks, type Say, serviceLog } from './service-log.ts'
import type { HostSettings } from './settings.ts'
import { type Bound, bind } from './sockets.ts'
import { type Note, superviseWorkers } from './supervisor.ts'
import { inheritedSockets, type Notifier, systemdNotifier } from './systemd.ts'
import { launchWorker, type WorkerCommand } from './worker-process.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface HostParts {
  readonly settings: HostSettings
  readonly env: Environment
  readonly workerCommand: WorkerCommand
  readonly own?: OwnModules
}

interface Process {
  readonly settings: HostSettings
  readonly bound: readonly Bound[]
  readonly sinks: HostSinks
  readonly say: Say
  readonly notifier: Notifier
}

/** Resolves with the exit status when everything has ended. Rejects with what keeps it from starting. */
export async function runHost({ settings, env, workerCommand, own }: HostParts): Promise<number> {
  const sinks = hostSinks(settings.logFile, settings.logMode)
  const say = serviceLog({ form: settings.serviceLog, sink: sinks.service })
  const inherited = inheritedSockets(env)
  const bound: Bound[] = []
  try {
    for (const { address } of settings.listen)
      bound.push(await bind(address, { mode: settings.socketMode, owner: settings.socketOwner, inherited }))
    if (settings.pidFile !== null) writeFileSync(settings.pidFile, `${process.pid}\n`)
    dropPrivileges(settings)
    const notifier = systemdNotifier(env, (text) => say('WARNING', text))
    // ports that were asked for as 0 are known now
    const listen = settings.listen.map((endpoint, index) => ({ ...endpoint, address: bound[index]!.address }))
    const parts: Process = { settings: { ...settings, listen }, bound, sinks, say, notifier }
    const status = settings.workers === 0 ? await runAlone(parts, own) : await runWorkers(parts, workerCommand)
    sinks.access.flush()
    say(status === 0 ? 'INFO' : 'ERROR', `${settings.module} has ended (exit status ${status})`)
    return status
  } finally {
    for (const one of bound) one.close()
    if (settings.pidFile !== null) rmSync(settings.pidFile, { force: true })
    sinks.access.flush()
  }
}

async function runAlone({ settings, bound, sinks, say, notifier }: Process, own: OwnModules | undefined): Promise<number> {
  const { promise: over, resolve: end } = Promise.withResolvers<number>()
  const fds = bound.map(({ fd }) => fd)
  let ending = false
  const leave = (status: number, why: string) => {
    if (ending) return
    ending = true
    say(status === 0 ? 'INFO' : 'ERROR', why)
    notifier.stopping()
    const totalMs = settings.drainSeconds * 1000
    running.drain({ totalMs, idleMs: Math.min(totalMs, stopIdleMs) }).then(() => end(status))
  }
  const running = await startRunning({
    ...{ settings, fds, say, own, worker: 0, access: sinks.access },
    giveWay: (reason) => leave(0, `${reason}: this process ends, whoever started it may start it again`),
  })
  const page =
    settings.metrics &&
    (await openMetrics(
      settings,
      async () => [await running.snapshot()],
      () => null,
      await metricsPage(),
    ))
  onSignals({
    stop: () => leave(0, 'told to end: requests under way are answered first'),
    atOnce: () => end(1),
    reload: () => renew(running, say),
    state: () => say('INFO', `serving ${settings.module} without workers`),
  })
  onUncaught((error) => leave(1, `an error that nobody caught: ${stackOf(error)}`))
  if (settings.tether) onStandardInputEnd(() => end(0))
  notifier.ready(`serving ${settings.module}`)
  const status = await over
  page?.close()
  return status
}

async function runWorkers({ settings, bound, sinks, say, notifier }: Process, command: WorkerCommand): Promise<number> {
  const fds = bound.map(({ fd }) => fd)
  const page = settings.metrics ? await metricsPage() : undefined
  const workers = new Map<number, { snapshot(): Promise<Snapshot> }>()
  const timers = {
    now: () => performance.now(),
    after(ms: number, act: () => void) {
      const timer = setTimeout(act, ms)
      return () => clearTimeout(timer)
    },
  }
  const supervisor = superviseWorkers({
    count: settings.workers,
    timers,
    drainMs: settings.drainSeconds * 1000,
    note(note) {
      say(...sentence(note, settings))
      if (note.kind === 'up') notifier.ready(`${settings.workers} workers serve ${settings.module}`)
      if (note.kind === 'reloading') notifier.reloading()
      if (note.kind === 'reloaded' || note.kind === 'reload-abandoned')
        notifier.ready(`${settings.workers} workers serve ${settings.module}`)
    },
    launch(worker, events) {
      const launched = launchWorker(
        { command, settings, fds, worker, keep: (last) => void page?.keep(last) },
        {
          ...events,
          ended(how) {
            workers.delete(launched.pid)
            events.ended(how)
          },
        },
      )
      workers.set(launched.pid, launched)
      return launched
    },
  })
  const snapshots = async () => (await Promise.all([...workers.values()].map((one) => one.snapshot()))).filter((one) => one.length > 0)
  const server = page && (await openMetrics(settings, snapshots, supervisor.counts, page))
  let told = false
  onSignals({
    stop() {
      if (!told) {
        say('INFO', 'told to end: requests under way are answered first')
        notifier.stopping()
      }
      supervisor.stop(told ? 0 : undefined)
      told = true
    },
    atOnce: () => supervisor.stop(0),
    reload: () => supervisor.reload(),
    state() {
      const { workers, restarts, reloads } = supervisor.counts()
      say('INFO', `${workers} of ${settings.workers} workers serve; ${restarts} started again, ${reloads} reloads`)
    },
  })
  if (settings.tether) onStandardInputEnd(() => supervisor.stop(0))
  sinks.access.flush()
  const refusal = await supervisor.stopped
  server?.close()
  return refusal === null ? 0 : 1
}

/** When the process ends, a connection on which nothing is asked is kept so long for a request that is on its way. */
const stopIdleMs = 500

const openMetrics = (
  { metrics }: HostSettings,
  gather: () => Promise<Snapshot[]>,
  counts: () => SupervisorCounts | null,
  page: MetricsPage,
) => serveMetrics({ address: metrics!, contentType: page.contentType, page: async () => page.render(await gather(), counts()) })

function renew(running: { renewCertificates(): void }, say: Say): void {
  try {
    running.renewCertificates()
    say('INFO', 'the certificates have been read again')
  } catch (error) {
    say('ERROR', `the certificates are kept as they were: ${(error as Error).message}`)
  }
}

function sentence(note: Note, { workers }: HostSettings): Parameters<Say> {
  switch (note.kind) {
    case 'ready':
      return ['INFO', `worker ${note.worker} (${note.pid}) serves after ${Math.round(note.ms)} ms`]
    case 'up':
      return ['INFO', workers === 1 ? 'the worker is ready' : `all ${workers} workers are ready`]
    case 'refused':
      return ['ERROR', note.reason]
    case 'leaving':
      return ['WARNING', `worker ${note.worker} (${note.pid}) gives way: ${note.reason}`]
    case 'ended':
      return ['ERROR', `worker ${note.worker} has ended (${note.how}) and is started again in ${note.againInMs} ms`]
    case 'reloading':
      return ['INFO', 'replacing all workers']
    case 'reloaded':
      return ['INFO', `all workers have been replaced in ${Math.round(note.ms)} ms`]
    case 'reload-abandoned':
      return ['ERROR', `a new worker could not start, so those before go on: ${note.reason}`]
    default:
      return note satisfies never
  }
}
