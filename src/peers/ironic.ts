/** Ironic's API, as far as Nova's API shows it. */
import type { Session } from '../oslo/keystoneauth/session.ts'
import type { PeerService } from './service.ts'

export interface IronicNode {
  readonly uuid: string
  readonly provision_state: string | null
  readonly instance_uuid: string | null
  /** What was found out about the hardware: numbers as numbers or texts. */
  readonly properties: Readonly<Record<string, unknown>>
}

/** Ironic is asked as ourselves. All methods reject with a `PeerError`. */
export interface Ironic {
  /** Whether nova.conf says as whom to ask. */
  readonly configured: boolean
  nodes(): Promise<IronicNode[]>
  /** Undefined when it is not there. */
  node(id: string): Promise<IronicNode | undefined>
  /** MAC addresses of its ports. */
  addresses(nodeId: string): Promise<string[]>
}

/** Since which nodes without a name of a state say `available`; older versions say null. */
const microversion = '1.38'

export function ironic({ own }: PeerService, { configured }: { readonly configured: boolean }): Ironic {
  return {
    configured,
    nodes: () => pages<IronicNode>(own, '/v1/nodes/detail', 'nodes'),
    async node(id) {
      const answer = await own.request({ path: `/v1/nodes/${encodeURIComponent(id)}`, microversion, allow: [404] })
      return answer.status === 404 ? undefined : answer.json<IronicNode>()
    },
    addresses: async (nodeId) =>
      (await pages<{ address: string }>(own, `/v1/ports?node=${encodeURIComponent(nodeId)}`, 'ports')).map(({ address }) => address),
  }
}

async function pages<T>(session: Session, path: string, key: string): Promise<T[]> {
  const found: T[] = []
  let next: { path?: string; url?: string } | undefined = { path }
  while (next) {
    const page: Record<string, unknown> & { next?: string } = (await session.request({ ...next, microversion })).json()
    found.push(...(page[key] as T[]))
    next = page.next ? { url: page.next } : undefined
  }
  return found
}
