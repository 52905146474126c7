/** What test suites must know of a cloud, and what they need in it. */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { type Cloud, startCloud } from '../support/cloud.ts'
import { openWorkspace, type Workspace } from './inside.ts'

// biome-ignore lint/suspicious/noExplicitAny: an answer has the shape that the asker expects
type Body = any

export interface TestCloud {
  readonly cloud: Cloud
  readonly variables: Readonly<Record<string, string>>
  readonly image: string
  readonly secondImage: string
  readonly publicNetwork: string
}

/** A new cloud and a folder for the clients, removed in the end unless KEEP is set. */
export async function inTestCloud<T>(use: (test: TestCloud, workspace: Workspace) => Promise<T>): Promise<T> {
  const workspace = await openWorkspace()
  const test = await startTestCloud()
  try {
    return await use(test, workspace)
  } finally {
    await test.cloud.down()
    if (process.env.KEEP) process.stdout.write(`kept: ${test.cloud.folder}, ${workspace.folder}\n`)
    else {
      await workspace.remove()
      rmSync(test.cloud.folder, { recursive: true, force: true })
    }
  }
}

/** A new cloud with a second image, and one password for all, as in DevStack: novaclient's tests count on it. */
async function startTestCloud(): Promise<TestCloud> {
  const cloud = await startCloud((text) => void process.stdout.write(`${text}\n`), {
    NOVA_TS_PASSWORD: randomBytes(12).toString('hex'),
  })
  try {
    const variables = await cloud.variables()
    const ask = await login(variables)
    const [image] = (await ask('image', 'GET', '/v2/images')).images
    const networks = (await ask('network', 'GET', '/v2.0/networks?name=public')).networks
    const second = await ask('image', 'POST', '/v2/images', { ...secondImage, visibility: 'public' })
    await ask('image', 'PUT', `/v2/images/${second.id}/file`, new Uint8Array(64 * 1024))
    return { cloud, variables, image: image.id, secondImage: second.id, publicNetwork: networks[0].id }
  } catch (error) {
    await cloud.reset()
    throw error
  }
}

/** Called as in DevStack: openstackclient's tests look for that. */
const secondImage = { name: 'cirros-0.6.3-x86_64-disk', disk_format: 'raw', container_format: 'bare', min_ram: 0, min_disk: 0 }

type Ask = (service: string, method: string, path: string, body?: object) => Promise<Body>

async function login(variables: Readonly<Record<string, string>>): Promise<Ask> {
  const domain = { id: 'default' }
  const auth = {
    identity: { methods: ['password'], password: { user: { name: variables.OS_USERNAME, password: variables.OS_PASSWORD, domain } } },
    scope: { project: { name: variables.OS_PROJECT_NAME, domain } },
  }
  const answer = await send(`${variables.OS_AUTH_URL}/auth/tokens`, 'POST', {}, { auth })
  const { token } = (await answer.json()) as Body
  const headers = { 'x-auth-token': answer.headers.get('x-subject-token')! }
  return async (service, method, path, body) => {
    const { endpoints } = token.catalog.find(({ type }: Body) => type === service)
    const { url } = endpoints.find((endpoint: Body) => endpoint.interface === 'public')
    const text = await (await send(url + path, method, headers, body)).text()
    return text === '' ? undefined : JSON.parse(text)
  }
}

async function send(url: string, method: string, headers: Record<string, string>, body?: object): Promise<Response> {
  const type = body instanceof Uint8Array ? 'application/octet-stream' : 'application/json'
  const sent = body instanceof Uint8Array ? body : body && JSON.stringify(body)
  const answer = await fetch(url, { method, headers: { ...headers, 'content-type': type }, ...(sent && { body: sent }) })
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`)
  return answer
}
