/** Requests to a cloud whose services may be gone at any moment. */
import { setTimeout as delay } from 'node:timers/promises'

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
  const { token, catalog, projectId, userId } = await login(variables)
  const urls: Record<Service, string> = { compute: catalog.compute!, image: catalog.image!, network: catalog.network! }

  async function attempt(method: string, service: Service, path: string, body?: unknown): Promise<Answer | undefined> {
    const headers = { 'x-auth-token': token, 'content-type': 'application/json', 'openstack-api-version': 'compute 2.96' }
    try {
      const answer = await fetch(urls[service] + path, {
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
    url: (service) => urls[service],
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

async function login(variables: Readonly<Record<string, string>>) {
  const { OS_AUTH_URL, OS_USERNAME: name, OS_PASSWORD: password, OS_PROJECT_NAME: project } = variables
  const domain = { id: 'default' }
  const answer = await fetch(`${OS_AUTH_URL}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      auth: {
        identity: { methods: ['password'], password: { user: { name, password, domain } } },
        scope: { project: { name: project, domain } },
      },
    }),
  })
  if (answer.status !== 201) throw new Error(`no token: ${answer.status} ${await answer.text()}`)
  const { token } = (await answer.json()) as Body
  return {
    token: answer.headers.get('x-subject-token')!,
    projectId: token.project.id as string,
    userId: token.user.id as string,
    catalog: Object.fromEntries(token.catalog.map(({ type, endpoints }: Body) => [type, endpoints[0].url])) as Record<string, string>,
  }
}
