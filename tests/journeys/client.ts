/** Requests to a cloud whose services may be gone at any moment. */
import { setTimeout as delay } from 'node:timers/promises'
import { loginWith } from '../support/login.ts'

// biome-ignore lint/suspicious/noExplicitAny: an answer has the shape that the asker expects
type Body = any

export interface Answer {
  readonly status: number
  readonly body: Body
}

export interface Client {
  /** The answer, or undefined when none came: nobody knows then whether it was done. */
  attempt(method: string, service: Service, path: string, body?: unknown): Promise<Answer | undefined>
  /** Asks until an answer comes that is no failure of a server. */
  insist(method: string, service: Service, path: string, body?: unknown): Promise<Answer>
  readonly projectId: string
  readonly userId: string
  readonly token: string
  /** Where a service is. */
  url(service: Service): string
}

export type Service = 'compute' | 'image' | 'network'

const attemptMs = 20_000
const insistMs = 60_000

export async function connect(variables: Readonly<Record<string, string>>): Promise<Client> {
  const { token, urls, projectId, userId } = await loginWith(variables)

  async function attempt(method: string, service: Service, path: string, body?: unknown): Promise<Answer | undefined> {
    const headers = { 'x-auth-token': token, 'content-type': 'application/json', 'openstack-api-version': 'compute 2.96' }
    try {
      const answer = await fetch(urls[service]! + path, {
        method,
        headers,
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(attemptMs),
      })
      const text = await answer.text()
      return { status: answer.status, body: text.startsWith('{') ? JSON.parse(text) : text }
    } catch {
      return undefined
    }
  }

  return {
    attempt,
    projectId,
    userId,
    token,
    url: (service) => urls[service]!,
    async insist(method, service, path, body) {
      const end = performance.now() + insistMs
      for (;;) {
        const answer = await attempt(method, service, path, body)
        if (answer && answer.status < 500) return answer
        if (performance.now() > end)
          throw new Error(`${method} ${path}: ${answer ? `${answer.status} ${JSON.stringify(answer.body)}` : 'no answer'}`)
        await delay(200)
      }
    },
  }
}
