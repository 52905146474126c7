/** Whose request it is: what Neutron's proxy or a load balancer says and signs, or else the address that it comes from (nova/api/metadata/handler.py). */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { headerJoined, type Request } from '../../app/contract.ts'
import type { MetadataBackends } from '../../compute/metadata/backends.ts'
import { findGuest, type Guest, sharedGuests, shown } from '../../compute/metadata/guest.ts'
import { type Kept, kept } from '../../compute/metadata/kept.ts'
import { sharedIn } from '../../compute/metadata/shared.ts'
import { networksOfProvider, type Owner, ownersAt, serverAt } from '../../compute/metadata/whose.ts'
import { Refusal } from './refusal.ts'

export interface Asker {
  readonly guest: Guest
  /** Of the guest, as far as anybody has said; null when not. */
  readonly address: string | null
}

export interface Identify {
  /** Throws a `Refusal`. */
  (request: Request): Promise<Asker>
  /** What is kept of a server is old now. */
  forget(uuid: string): void
}

/** Guests that are kept at once: about what the storm of a large cell's start needs. */
const mostGuests = 5000

export function identify(backends: MetadataBackends): Identify {
  const { settings, neutron, log, clock, cache } = backends
  const { serviceMetadataProxy: proxied, metadataProxySharedSecret: secret } = settings.proxy
  const isSigned = signatures(secret)
  const seconds = cache === 'nowhere' ? 0 : settings.api.metadataCacheExpiration
  const keeping = { seconds, most: mostGuests, now: clock.now }
  const plain = <T>(kind: string) => (typeof cache === 'object' ? { shared: sharedIn<T>(cache, kind, clock, (value) => value) } : {})
  const known = sharedGuests(backends)
  const guests: Kept<Guest> = kept({ ...keeping, ...(known && { shared: known }) })
  const owners: Kept<Owner> = kept({ ...keeping, ...plain('owner') })
  const servers: Kept<string> = kept({ ...keeping, ...plain('server') })

  const identified = (request: Request): Promise<Asker> => {
    if (!proxied) return byAddress(request)
    return headerJoined(request, 'x-metadata-provider') ? byProvider(request) : byServer(request)
  }

  /** Neutron's agent knows the server. */
  async function byServer(request: Request): Promise<Asker> {
    const id = headerJoined(request, 'x-instance-id')
    const projectId = headerJoined(request, 'x-tenant-id')
    const signature = headerJoined(request, 'x-instance-id-signature')
    const address = headerJoined(request, 'x-forwarded-for') ?? null
    if (id === undefined) throw new Refusal(400, 'X-Instance-ID header is missing from request.')
    if (signature === undefined) throw new Refusal(400, 'X-Instance-ID-Signature header is missing from request.')
    if (projectId === undefined) throw new Refusal(400, 'X-Tenant-ID header is missing from request.')
    if (Array.isArray(request.headers['x-instance-id'])) throw new Refusal(400, 'Multiple X-Instance-ID headers found within request.')
    if (Array.isArray(request.headers['x-tenant-id'])) throw new Refusal(400, 'Multiple X-Tenant-ID headers found within request.')
    verify(id, signature, address)
    return { guest: await ofProject(id, projectId), address }
  }

  /** A load balancer knows which networks it serves, and the address on them. */
  async function byProvider(request: Request): Promise<Asker> {
    const forwarded = headerJoined(request, 'x-forwarded-for')
    const provider = headerJoined(request, 'x-metadata-provider')!
    if (forwarded === undefined) throw new Refusal(400, 'X-Forwarded-For is missing from request.')
    const [address] = forwarded.split(',') as [string]
    if (secret) verify(provider, headerJoined(request, 'x-metadata-provider-signature'), address)
    const owner = await owners.get(`${provider} ${address}`, () => ownerAt(provider, address))
    return { guest: await ofProject(owner!.serverId, owner!.projectId), address }
  }

  async function ownerAt(provider: string, address: string): Promise<Owner> {
    const networks = await networksOfProvider(neutron, provider).catch((error: unknown) => {
      log.error(`Failed to get the networks of metadata provider ${shown(provider)}`, { error })
      throw new Refusal(500)
    })
    if (networks.length === 0) throw badProvider(`Could not find any subnets for provider ${provider}`)
    const found = await ownersAt(neutron, address, networks).catch((error: unknown) => {
      log.error(`Failed to get instance id for metadata request, provider ${shown(provider)} requester ${shown(address)}`, { error })
      throw new Refusal(400, new Refusal(500).message)
    })
    if (found.length !== 1)
      throw badProvider(`Expected a single port matching provider ${provider} and IP ${address}. Found ${found.length}.`)
    return found[0]!
  }

  function badProvider(text: string): Refusal {
    log.error(shown(text))
    return new Refusal(400, text)
  }

  /** Nobody says anything, so that the sender's address has to. */
  async function byAddress(request: Request): Promise<Asker> {
    const { remoteAddress: address } = request
    if (request.headers['x-instance-id'])
      log.warning("X-Instance-ID present in request headers. The 'service_metadata_proxy' option must be enabled to process this header.")
    const failed = (error: unknown): never => {
      log.error(`Failed to get metadata for IP ${address}`, { error })
      throw new Refusal(500)
    }
    if (!address) failed(new Error('the request has no address'))
    const id = await servers.get(address, () => serverAt(neutron, address)).catch(failed)
    const guest = id === undefined ? undefined : await guests.get(id.toLowerCase(), () => findGuest(backends, id)).catch(failed)
    if (guest) return { guest, address }
    log.error(`Failed to get metadata for IP ${address}: no metadata`)
    throw new Refusal(404)
  }

  async function ofProject(id: string, projectId: string): Promise<Guest> {
    const guest = await guests
      .get(id.toLowerCase(), () => findGuest(backends, id))
      .catch((error: unknown) => {
        log.error(`Failed to get metadata for instance id: ${shown(id)}`, { error })
        throw new Refusal(500)
      })
    if (!guest) log.error(`Failed to get metadata for instance id: ${shown(id)}`)
    else if (guest.projectId === projectId) return guest
    else log.warning(`Tenant_id ${shown(projectId)} does not match tenant_id of instance ${guest.uuid}.`)
    throw new Refusal(404)
  }

  /** Neither signature is logged: the right one would open the door to whoever reads the log (33.0.2 logs it; launchpad bug 2150094). */
  function verify(id: string, signature: string | undefined, address: string | null): void {
    if (isSigned(id, signature)) return
    if (id) log.warning(`The signature does not match the id ${shown(id)}. Request from: ${address === null ? 'unknown' : shown(address)}`)
    throw new Refusal(403)
  }

  return Object.assign(identified, { forget: (uuid: string) => guests.forget(uuid) })
}

/** Verifies signatures in constant time for all of the right length. What the last ids are signed with is kept: a guest asks thirty times when it starts. */
function signatures(secret: string): (id: string, signature: string | undefined) => boolean {
  const known = new Map<string, Buffer>()
  const expectedOf = (id: string): Buffer => {
    let expected = known.get(id)
    if (!expected) {
      if (known.size >= mostGuests) known.clear()
      expected = Buffer.from(createHmac('sha256', secret).update(id).digest('hex'))
      known.set(id, expected)
    }
    return expected
  }
  return (id, signature) => {
    if (!signature) return false
    const expected = expectedOf(id)
    const given = Buffer.from(signature)
    return given.length === expected.length && timingSafeEqual(given, expected)
  }
}
