/** Glance's API, as far as Nova uses it. */
import type { RequestContext } from '../oslo/context.ts'
import { PeerError } from '../oslo/keystoneauth/errors.ts'
import type { Session } from '../oslo/keystoneauth/session.ts'
import type { PeerService } from './service.ts'

/** An image as Glance's version 2 shows it; properties of its own are keys like any other. */
export interface GlanceImage {
  readonly id: string
  readonly name: string | null
  readonly status: string
  readonly visibility: string
  readonly owner: string | null
  readonly min_disk: number
  readonly min_ram: number
  readonly size: number | null
  readonly virtual_size?: number | null
  readonly disk_format: string | null
  readonly container_format: string | null
  readonly protected: boolean
  readonly created_at: string
  readonly updated_at: string
  readonly [property: string]: unknown
}

/** All methods reject with a `PeerError`. */
export interface GlanceClient {
  /** Undefined when it is not there or not to be seen. */
  show(id: string): Promise<GlanceImage | undefined>
  /** All pages, or as many of them as hold so many images. */
  list(query?: Readonly<Record<string, string | number>>, most?: number): Promise<GlanceImage[]>
  create(values: object): Promise<GlanceImage>
  upload(id: string, data: Uint8Array | AsyncIterable<Uint8Array>): Promise<void>
  /** A JSON patch. */
  patch(id: string, changes: readonly object[]): Promise<GlanceImage>
  /** Lets another project use it. */
  addMember(id: string, projectId: string): Promise<void>
  /** False when it was gone already. */
  remove(id: string): Promise<boolean>
  readonly session: Session
}

export interface Glance {
  as(context: RequestContext): GlanceClient
  /** Where images are, for links: what [glance] api_servers or the catalogue says, the latter with a slash for a version. nova/image/glance.py get_api_servers */
  endpoint(context: RequestContext): Promise<string>
}

/** `servers` is [glance] api_servers: tried in turns, a random one first. */
export function glance(service: PeerService, { servers }: { servers: readonly string[] }): Glance {
  const session = (context: RequestContext): Session => {
    // as glanceclient asks: what Glance refuses, it explains in HTML
    const any = service.as(context).with({ headers: { accept: '*/*' } })
    if (servers.length === 0) return any
    return any.with({ endpointOverride: servers[Math.floor(Math.random() * servers.length)]! })
  }
  return {
    as: (context) => client(session(context)),
    async endpoint(context) {
      const found = await session(context).endpoint()
      return servers.length > 0 ? found : found.replace(/\/v\d+(\.\d+)?$/, '/')
    },
  }
}

const client = (session: Session): GlanceClient => ({
  session,
  async show(id) {
    const answer = await session.request({ path: `/v2/images/${encodeURIComponent(id)}`, allow: [404] })
    return answer.status === 404 ? undefined : answer.json<GlanceImage>()
  },
  async list(query = {}, most = Number.POSITIVE_INFINITY) {
    const found: GlanceImage[] = []
    let path: string | undefined = '/v2/images'
    let rest: Readonly<Record<string, string | number>> | undefined = query
    while (path && found.length < most) {
      const page: { images: GlanceImage[]; next?: string } = (await session.request({ path, ...(rest && { query: rest }) })).json()
      found.push(...page.images)
      path = page.next
      rest = undefined
    }
    return found.slice(0, most)
  },
  async create(values) {
    return (await session.request({ method: 'POST', path: '/v2/images', json: values })).json<GlanceImage>()
  },
  async upload(id, data) {
    await session.request({
      method: 'PUT',
      path: `/v2/images/${encodeURIComponent(id)}/file`,
      // Glance answers 415 to a body of declared length 0, and takes an empty one that comes in no chunks
      body: data instanceof Uint8Array && data.length === 0 ? nothing() : data,
      headers: { 'content-type': 'application/octet-stream' },
    })
  },
  async patch(id, changes) {
    const answer = await session.request({
      method: 'PATCH',
      path: `/v2/images/${encodeURIComponent(id)}`,
      body: JSON.stringify(changes),
      headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' },
    })
    return answer.json<GlanceImage>()
  },
  async addMember(id, projectId) {
    await session.request({ method: 'POST', path: `/v2/images/${encodeURIComponent(id)}/members`, json: { member: projectId } })
  },
  async remove(id) {
    const { status } = await session.request({ method: 'DELETE', path: `/v2/images/${encodeURIComponent(id)}`, allow: [404] })
    return status !== 404
  },
})

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Whether Glance said that the caller may not. */
export const isForbidden = (error: unknown): boolean => error instanceof PeerError && (error.status === 401 || error.status === 403)

/** What Glance said, as glanceclient tells it: its HTML without tags, the messages in its JSON. glanceclient/exc.py from_response */
export function glanceText({ text, status, headers }: PeerError): string {
  const type = String(headers['content-type'] ?? 'text/html')
  const said = type.includes('json') ? messagesIn(text) : type.includes('html') ? withoutTags(text) : text.replaceAll('\n\n', '\n')
  return `HTTP ${said || status}`
}

function withoutTags(html: string): string {
  const lines = html.split(/\r?\n/).map((line) => line.trim().replace(/<.+?>/g, ''))
  return [...new Set(lines.filter((line) => line !== ''))].join(': ')
}

function messagesIn(json: string): string {
  try {
    const parts = Object.values(JSON.parse(json) as Record<string, { message?: unknown } | null>)
    return parts.flatMap((part) => (typeof part?.message === 'string' ? part.message : [])).join('\n')
  } catch {
    return ''
  }
}
