/** Who asks: what a request carries to prove it, and the catalogue that comes with it. */
import type { RequestContext } from '../context.ts'
import { type EndpointQuery, endpointIn } from './catalog.ts'

export interface Auth {
  /** The headers that prove who asks, renewed first when they are about to expire. Rejects with a `PeerError`. */
  headers(): Promise<Readonly<Record<string, string>>>
  /** Where a service is, or undefined. */
  endpoint(query: EndpointQuery): Promise<string | undefined>
  /** Who and where; null when that is not known. */
  identity(): Promise<{ readonly userId: string | null; readonly projectId: string | null } | null>
  /** These headers were answered with 401. Whether it makes sense to ask for others and try again. */
  refused(headers: Readonly<Record<string, string>>): boolean
  /** Whose token it is, when it is not ours: nobody here can renew it. */
  readonly caller?: Caller
}

export type Caller = Pick<RequestContext, 'isAdmin'>

/** A caller who sent us a token: it is used as it is and cannot be renewed. With `service`, our own token goes along. */
export function userAuth(
  { token, catalog, userId, projectId, isAdmin }: Pick<RequestContext, 'token' | 'catalog' | 'userId' | 'projectId' | 'isAdmin'>,
  { service }: { service?: Auth | null } = {},
): Auth {
  const own: Record<string, string> = token ? { 'X-Auth-Token': token } : {}
  return {
    async headers() {
      if (!service) return own
      const ours = (await service.headers())['X-Auth-Token']
      return ours ? { ...own, 'X-Service-Token': ours } : own
    },
    endpoint: async (query) => endpointIn(catalog, query),
    identity: async () => ({ userId, projectId }),
    refused: (headers) => service?.refused({ 'X-Auth-Token': headers['X-Service-Token'] ?? '' }) ?? false,
    caller: { isAdmin },
  }
}

/** With the token of another one of ours beside it, which says that a service asks. */
export const accompanied = (auth: Auth, service: Auth): Auth => ({
  ...auth,
  async headers() {
    const ours = (await service.headers())['X-Auth-Token']
    return { ...(await auth.headers()), ...(ours && { 'X-Service-Token': ours }) }
  },
  refused(headers) {
    const renewed = service.refused({ 'X-Auth-Token': headers['X-Service-Token'] ?? '' })
    return auth.refused(headers) || renewed
  },
})

/** A token that never changes and one address for everything: `auth_type` admin_token, and none with keystoneauth's own word for no token. */
export const fixedAuth = (endpoint: string | null, token = 'notused'): Auth => ({
  headers: async () => ({ 'X-Auth-Token': token }),
  endpoint: async () => endpoint ?? undefined,
  identity: async () => null,
  refused: () => false,
})
