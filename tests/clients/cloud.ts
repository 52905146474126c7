/** What test suites must know of a cloud, and what they need in it. */
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { connect } from '../journeys/client.ts'
import { type Cloud, startCloud } from '../support/cloud.ts'
import { openWorkspace, type Workspace } from './inside.ts'

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
    const client = await connect(variables)
    const [image] = (await client.insist('GET', 'image', '/v2/images')).body.images
    const [network] = (await client.insist('GET', 'network', '/v2.0/networks?name=public')).body.networks
    const { body: second } = await client.insist('POST', 'image', '/v2/images', { ...secondImage, visibility: 'public' })
    const upload = await fetch(`${client.url('image')}/v2/images/${second.id}/file`, {
      method: 'PUT',
      headers: { 'x-auth-token': client.token, 'content-type': 'application/octet-stream' },
      body: new Uint8Array(64 * 1024),
    })
    if (!upload.ok) throw new Error(`the second image could not be uploaded: ${upload.status} ${await upload.text()}`)
    return { cloud, variables, image: image.id, secondImage: second.id, publicNetwork: network.id }
  } catch (error) {
    await cloud.reset()
    throw error
  }
}

/** Called as in DevStack: openstackclient's tests look for that. */
const secondImage = { name: 'cirros-0.6.3-x86_64-disk', disk_format: 'raw', container_format: 'bare', min_ram: 0, min_disk: 0 }
