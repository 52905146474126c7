/** The metadata service: who asks, and what is at the path (nova/api/metadata/handler.py MetadataRequestHandler). */
import { type Application, BodyTooLarge, header, type Request, type Response } from '../../app/contract.ts'
import { httpError } from '../../app/http-error.ts'
import type { MetadataBackends } from '../../compute/metadata/backends.ts'
import { type Guest, inCellOf } from '../../compute/metadata/guest.ts'
import { longestPassword, storePassword } from '../../compute/metadata/password.ts'
import { ec2Tree, printedAt } from './ec2.ts'
import { type Asker, identify } from './identify.ts'
import { openstackAt, type RandomBytes } from './openstack.ts'
import { segmentsOf } from './path.ts'
import { randomPool } from './random-pool.ts'
import { Refusal } from './refusal.ts'
import { ec2Listing, ec2Version, openstackListing } from './versions.ts'

export interface MetadataHandlerParts {
  readonly backends: MetadataBackends
  readonly randomBytes?: RandomBytes
}

/** The application. It answers no status that Neutron's agent would not hand on. */
export function metadataHandler({ backends, randomBytes = randomPool() }: MetadataHandlerParts): Application {
  const { settings, clock, log } = backends
  const asker = identify(backends)
  const parts = { backends, randomBytes }
  if (settings.proxy.serviceMetadataProxy && !settings.proxy.metadataProxySharedSecret)
    log.warning('metadata_proxy_shared_secret is not configured, the metadata information returned by the proxy cannot be trusted')

  return async function metadata(request) {
    try {
      return await answer(request)
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(500)
      if (refusal !== error) log.error('Failed to answer a metadata request', { error })
      return httpError(request, refusal.status, refusal.title, refusal.message)
    }
  }

  async function answer(request: Request): Promise<Response> {
    const path = segmentsOf(request.path)
    // Needs no headers, so that load balancers can ask whether we live
    if (path?.isRoot) return plain(ec2Listing.join('\n'))
    const asked = await asker(request)
    if (!path) throw new Refusal(404)
    const { segments } = path
    if (segments[0] !== 'openstack') return ec2(asked, segments[0] === 'ec2' ? segments.slice(1) : segments)
    if (segments.length === 1) return plain(openstackListing(clock.now()).join('\n'))
    const found = await openstackAt(asked.guest, segments.slice(1), parts)
    if (found === undefined) throw new Refusal(404)
    return found === 'password'
      ? password(request, asked.guest)
      : { status: 200, headers: [['Content-Type', found.type]], body: found.body }
  }

  async function ec2({ guest, address }: Asker, segments: readonly string[]): Promise<Response> {
    if (segments.length === 0) return plain(ec2Listing.join('\n'))
    const version = ec2Version(segments[0])
    if (!version) throw new Refusal(404)
    const parts = { facts: await guest.ec2(), version, address, dhcpDomain: settings.api.dhcpDomain }
    const found = printedAt(ec2Tree(guest, parts), segments.slice(1))
    if (found === undefined) throw new Refusal(404)
    return plain(found)
  }

  async function password(request: Request, guest: Guest): Promise<Response> {
    if (request.method === 'GET') return html(guest.password)
    if (request.method !== 'POST') throw new Refusal(400, 'GET and POST only are supported.')
    if (guest.password) throw new Refusal(409)
    const given = await passwordIn(request)
    const outcome = await inCellOf(backends, guest.uuid, (cell) => storePassword(cell, guest.uuid, given))
    asker.forget(guest.uuid)
    if (outcome === 'present') throw new Refusal(409)
    if (outcome === 'gone') throw new Refusal(400, `Instance ${guest.uuid} could not be found.`)
    return html('')
  }
}

async function passwordIn(request: Request): Promise<string> {
  const tooLarge = new Refusal(400, 'Request is too large.')
  if (Number(header(request, 'content-length') ?? 0) > longestPassword) throw tooLarge
  request.environ.maxBodyBytes = longestPassword
  const body = await request.body().catch((error: unknown) => {
    throw error instanceof BodyTooLarge ? tooLarge : error
  })
  if (body.length > longestPassword) throw tooLarge
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    // Nova breaks off here
    throw new Refusal(400, 'The password is not UTF-8.')
  }
}

const plain = (body: string | Uint8Array): Response => ({ status: 200, headers: [['Content-Type', 'text/plain; charset=UTF-8']], body })

/** WebOb's own type, which Nova leaves as it is here. */
const html = (body: string): Response => ({ status: 200, headers: [['Content-Type', 'text/html; charset=UTF-8']], body })
