/** The thread that asks another service on behalf of a remote policy check. */
import { readFileSync } from 'node:fs'
import { type MessagePort, workerData } from 'node:worker_threads'
import { Agent, request } from 'undici'

export interface RemoteQuestion {
  readonly id: number
  readonly url: string
  readonly contentType: string
  readonly body: string
  readonly timeoutMs: number
  readonly tls?: { verify: boolean; caFile: string | null; certFile: string | null; keyFile: string | null }
}

export interface RemoteAnswer {
  readonly id: number
  readonly text?: string
  readonly error?: string
}

const { port, flag } = workerData as { port: MessagePort; flag: Int32Array }
const agents = new Map<boolean, Agent>()

port.on('message', async (question: RemoteQuestion) => {
  const answer = await ask(question).then(
    (text): RemoteAnswer => ({ id: question.id, text }),
    (error: Error): RemoteAnswer => ({ id: question.id, error: error.name === 'TimeoutError' ? 'no answer in time' : error.message }),
  )
  port.postMessage(answer)
  Atomics.add(flag, 0, 1)
  Atomics.notify(flag, 0)
})

async function ask({ url, contentType, body, timeoutMs, tls }: RemoteQuestion): Promise<string> {
  const agent = agents.get(tls !== undefined) ?? new Agent({ connect: connectOptions(tls) })
  agents.set(tls !== undefined, agent)
  const answer = await request(url, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body,
    dispatcher: agent,
    signal: AbortSignal.timeout(timeoutMs),
  })
  return answer.body.text()
}

const connectOptions = (tls: RemoteQuestion['tls']) =>
  tls && {
    rejectUnauthorized: tls.verify,
    ...(tls.caFile && { ca: readFileSync(tls.caFile) }),
    ...(tls.certFile && { cert: readFileSync(tls.certFile) }),
    ...(tls.keyFile && { key: readFileSync(tls.keyFile) }),
  }
