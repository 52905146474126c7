/** `nova-ts shadow`: a proxy in front of a real nova-api that compares what it answers to reads with what ours would have answered. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { addressText, type Endpoint } from '../hosts/address.ts'
import { serveMetrics } from '../hosts/metrics-server.ts'
import { capture, held } from './capture.ts'
import { routeOf } from './compare/route.ts'
import { latencies, newCounts } from './counts.ts'
import { forwarding, type Witness } from './forward.ts'
import { headerIn, type RawHeaders, without } from './headers.ts'
import { mirror } from './mirror.ts'
import { metricsText, report, type Summary } from './report.ts'
import type { ShadowSettings } from './settings.ts'
import { largestHead, sideAt } from './side.ts'

export interface ShadowParts {
  readonly settings: ShadowSettings
  /** Takes the lines of the report. */
  readonly write: (line: string) => void
  /** Takes what an operator has to know at once. */
  readonly warn: (text: string) => void
  readonly now?: () => Date
  /** From 0 to 1. */
  readonly random?: () => number
}

export interface Shadow {
  /** With the port that was given where 0 was asked for. */
  readonly address: string
  summary(): Summary
  /** Lets requests and comparisons under way end, for as long as the settings say, and tells what there was. */
  stop(): Promise<Summary>
}

/** Rejects when an address cannot be had. */
export async function startShadow({ settings, write, warn, now = () => new Date(), random = Math.random }: ShadowParts): Promise<Shadow> {
  const [real, ours] = [sideAt(settings.real, settings.authorities), sideAt(settings.ours, settings.authorities)]
  const counts = newCounts()
  const took = { real: latencies(), ours: latencies() }
  const memory = held(settings.heldBytes)
  const told = report({ write, repeat: settings.repeat, counts, waiting: () => mirrored.waiting(), took, now })
  const mirrored = mirror({ real, ours, settings, counts, oursTook: took.ours, tell: told.tell })
  const forward = forwarding({
    real,
    silentMs: settings.realSeconds * 1000,
    failed(why) {
      counts.realFailed++
      warn(`the real nova-api at ${real.address} ${why}`)
    },
    witness(message, target, headers) {
      counts.requests++
      return message.method === 'GET' || message.method === 'HEAD' ? watch(message.method, target, headers) : undefined
    },
  })

  /** A read, from its beginning on. */
  function watch(method: string, target: string, sent: RawHeaders): Witness | undefined {
    counts.reads++
    const hasBody = headerIn(sent, 'transfer-encoding') !== undefined || Number(headerIn(sent, 'content-length') ?? 0) > 0
    if (hasBody || random() * 100 >= settings.samplePercent) {
      counts.dropped[hasBody ? 'hasBody' : 'notSampled']++
      return undefined
    }
    // what makes an answer depend on the client's copy, or packs it, is no use for a comparison
    const headers = without(sent, 'accept-encoding', 'content-length')
    return capture({
      held: memory,
      largestBytes: settings.largestBytes,
      kept(answer, release) {
        took.real.add(answer.ms)
        mirrored.offer({ question: { method, target, headers }, route: routeOf(target), answer, release })
      },
      lost(why) {
        if (why !== 'realFailed') counts.dropped[why]++
      },
    })
  }

  const server = serverFor(settings.listen, forward)
  // before the server: nobody is served by a shadow that does not come to be
  const metrics =
    settings.metrics &&
    (await serveMetrics({
      address: settings.metrics,
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      page: async () => metricsText(told.summary(), took),
    }))
  try {
    await listen(server, settings.listen)
  } catch (error) {
    metrics?.close()
    throw error
  }
  server.on('error', (error) => warn(`${addressText(settings.listen.address)}: ${error.message}`))
  return {
    address: addressOf(server, settings.listen),
    summary: told.summary,
    async stop() {
      const until = performance.now() + settings.drainSeconds * 1000
      await closed(server, settings.drainSeconds * 1000)
      await mirrored.finish(Math.max(0, until - performance.now()))
      metrics?.close()
      real.close()
      ours.close()
      return told.summary()
    },
  }
}

function serverFor({ protocol, certificate }: Endpoint, forward: RequestListener): Server {
  const options = { maxHeaderSize: largestHead, keepAliveTimeout: 75_000 }
  const server =
    protocol === 'https'
      ? createTlsServer({ ...options, cert: readFileSync(certificate!.certificate), key: readFileSync(certificate!.key) }, forward)
      : createServer(options, forward)
  // a tunnel is nothing that nova-api gives
  server.on('connect', (_: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => undefined)
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  return server
}

function listen(server: Server, { address }: Endpoint): Promise<void> {
  if (address.kind === 'systemd') return Promise.reject(new Error('a shadow needs an address of its own, not a socket of systemd'))
  const place = address.kind === 'unix' ? { path: address.path.replace(/^@/, '\0') } : { host: address.host, port: address.port }
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : error.message
      reject(new Error(`${addressText(address)} ${why}`, { cause: error }))
    })
    server.listen(place, resolve)
  })
}

function addressOf(server: Server, { protocol, address }: Endpoint): string {
  const bound = server.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0
  return address.kind === 'tcp' ? `${protocol}://${addressText({ ...address, port })}` : `${protocol}:${addressText(address)}`
}

/** Between two looks at the connections of a server that ends. */
const lookMs = 50

/** Answers under way go on; idle connections end at once, and all of them after that time. */
function closed(server: Server, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const idle = setInterval(() => server.closeIdleConnections(), lookMs)
    const late = setTimeout(() => server.closeAllConnections(), ms)
    server.close(() => {
      clearInterval(idle)
      clearTimeout(late)
      resolve()
    })
  })
}
