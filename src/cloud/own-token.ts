/** A token of a service itself, for what it asks of other services in nobody else's name. */
import type { Application } from '../app/contract.ts'
import { ask } from './ask.ts'
import type { Clock } from './service.ts'

export interface OwnLogin {
  readonly user: string
  readonly password: string
  /** In the domain Default, as the user. */
  readonly project: string
  /** The identity service's address, which the catalogue of the token follows. */
  readonly host: string
}

/** Renewed when it has less than this to live. */
const marginMs = 120_000

/** Asks the identity service within the process; the token is kept until it is about to expire. */
export function ownToken(identity: Application, { user, password, project, host }: OwnLogin, clock: Clock): () => Promise<string> {
  let held: { id: string; expires: number } | undefined
  const domain = { id: 'default' }
  const methods = { methods: ['password'], password: { user: { name: user, password, domain } } }
  const body = { auth: { identity: methods, scope: { project: { name: project, domain } } } }
  return async () => {
    if (held && held.expires - clock.now() > marginMs) return held.id
    const answer = await ask(identity, 'POST /v3/auth/tokens', { body, host })
    if (answer.status !== 201) throw new Error(`${user} gets no token: ${answer.status}`)
    held = { id: answer.header('x-subject-token')!, expires: Date.parse(answer.body.token.expires_at) }
    return held.id
  }
}
