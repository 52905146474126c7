/** One other service: asked with the caller's token, or as ourselves. */
import type { RequestContext } from '../oslo/context.ts'
import { type Auth, accompanied, userAuth } from '../oslo/keystoneauth/auth.ts'
import { loadAuth } from '../oslo/keystoneauth/identity.ts'
import type { AuthSettings, ServiceSettings, SessionSettings } from '../oslo/keystoneauth/options.ts'
import { createSession, type Session, serviceOf } from '../oslo/keystoneauth/session.ts'
import type { Log } from '../oslo/log.ts'

export interface PeerParts {
  readonly log: Pick<Log, 'warning'>
  readonly clock: { now(): number }
  /** Our own identity, whose token goes along with a caller's when [service_user] says so; null when not. */
  readonly serviceAuth: Auth | null
}

export interface PeerService {
  /** With the token of whoever made the request. */
  as(context: RequestContext): Session
  /** As ourselves: what the group's options say. */
  readonly own: Session
  close(): Promise<void>
}

type PeerSettings = SessionSettings & ServiceSettings & Partial<AuthSettings>

/** `name` is the group of nova.conf. A group without authentication options asks as nobody on its own. */
export function connectPeer(name: string, settings: PeerSettings, { log, clock, serviceAuth }: PeerParts): PeerService {
  const session = createSession({ settings, log })
  const service = session.with(serviceOf(settings))
  const auth = settings.authType ? loadAuth(settings as AuthSettings, { group: name, session, clock }) : null
  return {
    as: (context) => service.with({ auth: userAuth(context, { service: serviceAuth }), globalRequestId: context.requestId }),
    // Cinder lets go of a volume that a server has for services only
    own: service.with({ auth: auth && serviceAuth && name === 'cinder' ? accompanied(auth, serviceAuth) : auth }),
    close: () => session.close(),
  }
}
