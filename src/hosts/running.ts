/** The part of a host that serves, in whatever process: loads the application, waits until it can serve, and listens. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Application } from '../app/contract.ts'
import { lastResort } from '../app/last-resort.ts'
import { DatabaseUnavailable } from '../oslo/database/errors.ts'
import type { BatchedSink } from '../oslo/log-sink.ts'
import { accessLog } from './access-log.ts'
import { endpointText } from './address.ts'
import { watched } from './exchange.ts'
import { loadApplication, type OwnModules } from './load.ts'
import type { Snapshot } from './metrics.ts'
import { mount } from './mount.ts'
import { addHeaders, healthPath } from './own-answers.ts'
import { stackOf } from './process-events.ts'
import { serverTiming } from './server-timing.ts'
import type { Say } from './service-log.ts'
import { type DrainLimits, type Serving, serve } from './serving.ts'
import type { HostSettings } from './settings.ts'
import { telemetry, telemetryApi } from './telemetry.ts'
import { ageLimit, countLimit, type GiveWay, memoryLimit, requestLimit } from './worker-limits.ts'

export interface RunningParts {
  readonly settings: HostSettings
  /** The socket of each address of `settings.listen`. */
  readonly fds: readonly number[]
  /** 0 without workers. */
  readonly worker: number
  readonly say: Say
  readonly access: BatchedSink
  readonly own?: OwnModules | undefined
  /** Told when this worker has used up what it may. */
  readonly giveWay: GiveWay
}

export interface Running {
  drain(limits: DrainLimits): Promise<void>
  renewCertificates(): void
  /** What was counted; empty without metrics. */
  snapshot(): Promise<Snapshot>
}

const retryMs = 500

/** Rejects with what keeps the application from serving; waits for a database that is not there yet. */
export async function startRunning({ settings, fds, worker, say, access, own, giveWay }: RunningParts): Promise<Running> {
  Object.assign(process.env, settings.environment)
  if (settings.directory !== null) process.chdir(settings.directory)
  // the application's own arguments, as the WSGI servers leave them in sys.argv
  if (settings.arguments.length > 0) process.env.NOVA_TS_ARGUMENTS = JSON.stringify(settings.arguments)
  const { application, ready } = await loadApplication(settings.module, { ...(own && { own }) })
  await whenReady(ready, say)

  let leaving = false
  const metrics = settings.metrics ? (await import('./metrics.ts')).workerMetrics() : undefined
  const watchers = [
    ...(settings.accessLog ? [accessLog({ ...settings.accessLog, sink: access, pid: process.pid, worker })] : []),
    ...(metrics ? [metrics] : []),
    ...(settings.maxRequests > 0 ? [countLimit(settings.maxRequests, giveWay)] : []),
    ...(settings.maxMemoryMib > 0 ? [memoryLimit(settings.maxMemoryMib, giveWay)] : []),
  ]
  const layers = [
    watched(watchers),
    addHeaders(settings.headers),
    healthPath(settings.healthPath, () => leaving),
    ...(settings.serverTiming ? [serverTiming()] : []),
    lastResort((error) => say('ERROR', `the application failed: ${stackOf(error)}`)),
    telemetry(await telemetryApi()),
    requestLimit(settings.requestSeconds, giveWay),
    mount(settings.prefix),
  ]
  const served: Application = layers.reduceRight((app, layer) => layer(app), application)
  const serving: Serving[] = []
  for (const [index, endpoint] of settings.listen.entries()) {
    serving.push(await serve(served, endpoint, fds[index]!, settings))
    if (worker <= 1) say('INFO', `serving ${settings.module} on ${endpointText(endpoint)}`)
  }
  ageLimit(settings.maxAgeSeconds, giveWay)
  return {
    snapshot: async () => (await metrics?.snapshot()) ?? [],
    renewCertificates() {
      for (const one of serving) one.renewCertificates()
    },
    async drain(limits) {
      leaving = true
      await Promise.all(serving.map((one) => one.drain(limits)))
      access.flush()
    },
  }
}

async function whenReady(ready: () => Promise<void>, say: Say): Promise<void> {
  let told = false
  for (;;)
    try {
      return await ready()
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) throw error
      if (!told) say('WARNING', `waiting for the database: ${error.message}`)
      told = true
      await delay(retryMs)
    }
}
