/**
 * The `http:` and `https:` checks: another service is asked, and answers the word True. A rule is asked for in the middle of synchronous
 * work, as in oslo.policy, so this waits: a second thread does the asking while the first stands still, at most `remote_timeout` seconds.
 */
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { type Credentials, filled, type Target, type Test } from './compile.ts'
import type { PolicySettings } from './options.ts'
import type { RemoteAnswer, RemoteQuestion } from './remote-worker.ts'

/** The remote service did not answer, or not in time. */
export class RemoteCheckFailed extends Error {
  override readonly name = 'RemoteCheckFailed'
}

export interface RemoteCheck {
  /** A check that asks this address, in which `%(name)s` is filled in from the target. */
  kind(address: string): Test
  /** Ends the second thread, if there is one. */
  close(): void
}

/** What a new thread takes to start is not the other service's fault. */
const startMs = 2000

export function remoteCheck(settings: PolicySettings): RemoteCheck {
  let thread: { worker: Worker; port: MessagePort; flag: Int32Array } | undefined
  let asked = 0

  function start(): NonNullable<typeof thread> {
    const flag = new Int32Array(new SharedArrayBuffer(4))
    const { port1: port, port2 } = new MessageChannel()
    const file = new URL(import.meta.url.endsWith('.ts') ? './remote-worker.ts' : './remote-worker.js', import.meta.url)
    const worker = new Worker(file, { workerData: { port: port2, flag }, transferList: [port2] })
    worker.unref()
    port.unref()
    return { worker, port, flag }
  }

  function ask(question: Omit<RemoteQuestion, 'id'>): boolean {
    thread ??= start()
    const { port, flag } = thread
    const id = ++asked
    const until = performance.now() + question.timeoutMs + startMs
    port.postMessage({ ...question, id } satisfies RemoteQuestion)
    while (true) {
      const seen = Atomics.load(flag, 0)
      const answer = receiveMessageOnPort(port)?.message as RemoteAnswer | undefined
      if (answer?.id === id) {
        if (answer.error !== undefined) throw new RemoteCheckFailed(`${question.url}: ${answer.error}`)
        return answer.text!.replace(/^"+|"+$/g, '') === 'True'
      }
      if (answer) continue
      const left = until - performance.now()
      if (left <= 0) throw new RemoteCheckFailed(`${question.url}: no answer in ${settings.remoteTimeout} s`)
      Atomics.wait(flag, 0, seen, left)
    }
  }

  return {
    kind(address) {
      const fill = filled(address)
      return (target, credentials, rule) => {
        const url = fill(target)
        if (url === undefined) throw new RemoteCheckFailed(`${address}: the target of ${rule} lacks a name it needs`)
        return ask({
          url,
          timeoutMs: settings.remoteTimeout * 1000,
          ...payload(settings, rule, target, credentials),
          ...tls(settings, url),
        })
      }
    },
    close() {
      void thread?.worker.terminate()
      thread = undefined
    },
  }
}

// oslo_policy/_external.py HttpCheck._construct_payload
function payload({ remoteContentType }: PolicySettings, rule: string, target: Target, credentials: Credentials) {
  if (remoteContentType === 'application/json')
    return { contentType: remoteContentType, body: JSON.stringify({ rule, target, credentials }) }
  const form = new URLSearchParams({
    rule: JSON.stringify(rule),
    target: JSON.stringify(target),
    credentials: JSON.stringify(credentials),
  })
  return { contentType: remoteContentType, body: form.toString() }
}

function tls({ remoteVerify, remoteCaFile, remoteCertFile, remoteKeyFile }: PolicySettings, url: string): Pick<RemoteQuestion, 'tls'> {
  if (!url.startsWith('https:')) return {}
  return { tls: { verify: remoteVerify, caFile: remoteVerify ? remoteCaFile : null, certFile: remoteCertFile, keyFile: remoteKeyFile } }
}
