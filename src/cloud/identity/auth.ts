/** /v3/auth: tokens are made, shown and revoked, and a caller finds out where else it may go. */
import { header } from '../../app/contract.ts'
import { type AuthenticatedCall, type Call, type OpenRoutes, type Routes, reply, ServiceError } from '../service.ts'
import { type Doors, logIn } from './authenticate.ts'
import { type Addresses, catalogView } from './catalog-view.ts'
import { targetsOf } from './effective.ts'
import { forbidden } from './faults.ts'
import { asBoolean, link, listed } from './lists.ts'
import { enforce } from './rules.ts'
import { domainView, projectView, reference } from './things.ts'
import { expiredWindow, type TokenCaller, type Valid } from './tokens.ts'

type TokenCall = AuthenticatedCall<TokenCaller>

export function authRoutes(doors: Doors, addresses: Addresses): { open: OpenRoutes; routes: Routes<TokenCaller> } {
  const { store, tokens } = doors
  const view = (call: Call, valid: Valid) => ({ token: tokenView(valid, call.query.has('nocatalog') ? null : catalogOf(call, valid)) })
  const catalogOf = (call: Call, { user, project, claims }: Valid) =>
    claims.scope === null ? null : catalogView(store, addresses, call, user.id, project?.id ?? null)

  /** The token in `X-Subject-Token`, which the caller may look at or revoke. */
  function subject(call: TokenCall, action: 'check_token' | 'validate_token' | 'revoke_token'): Valid {
    const token = header(call.request, 'x-subject-token')
    const late = action !== 'revoke_token' && asBooleanOr(call.query.get('allow_expired'), false) ? expiredWindow : 0
    const valid = token ? tokens.validate(token, late) : null
    enforce(call.caller, action, valid ? { tokenUserId: valid.user.id } : {})
    if (!token) throw new ServiceError(404, 'No token in the request')
    if (!valid) throw new ServiceError(404, 'Failed to validate token')
    return valid
  }

  return {
    open: {
      'POST /v3/auth/tokens': async (call) => {
        const valid = await logIn(doors, call.body)
        return reply(201, view(call, valid), [['X-Subject-Token', valid.token]])
      },
    },
    routes: {
      'GET /v3/auth/tokens': (call) => {
        const valid = subject(call, call.request.method === 'HEAD' ? 'check_token' : 'validate_token')
        return reply(200, view(call, valid), [['X-Subject-Token', valid.token]])
      },
      'DELETE /v3/auth/tokens': (call) => {
        tokens.revoke(subject(call, 'revoke_token').claims, asBooleanOr(call.query.get('cascade'), true))
      },
      'GET /v3/auth/projects': (call) => {
        const mine = targetsOf(store, call.caller.userId, 'project').map((id) => store.projects.get(id)!)
        return listed(call, 'projects', mine.map(projectView))
      },
      'GET /v3/auth/domains': (call) => {
        const mine = targetsOf(store, call.caller.userId, 'domain').map((id) => store.projects.get(id)!)
        return listed(call, 'domains', mine.map(domainView))
      },
      'GET /v3/auth/system': (call) => ({
        system: targetsOf(store, call.caller.userId, 'system').map(() => ({ all: true })),
        links: { self: link(call, 'auth/system') },
      }),
      'GET /v3/auth/catalog': (call) => {
        if (call.caller.projectId === null) throw forbidden()
        return { catalog: catalogOf(call, call.caller.valid), links: { self: link(call, 'auth/catalog') } }
      },
    },
  }
}

const asBooleanOr = (value: string | null, otherwise: boolean): boolean => (value === null ? otherwise : asBoolean(value))

/** keystone/common/render_token.py */
function tokenView(valid: Valid, catalog: unknown): Record<string, unknown> {
  const { claims, user, userDomain, project, projectDomain, domain, credential } = valid
  const roles = valid.roles.map(({ id, name }) => ({ id, name }))
  return {
    methods: claims.methods,
    user: { domain: reference(userDomain), id: user.id, name: user.name, password_expires_at: null },
    audit_ids: claims.audit,
    expires_at: moment(claims.expires),
    issued_at: moment(claims.issued),
    ...(project && { project: { domain: reference(projectDomain!), ...reference(project) }, is_domain: project.is_domain, roles }),
    ...(domain && { domain: reference(domain), roles }),
    ...(claims.scope !== null && 'system' in claims.scope && { roles, system: { all: true } }),
    ...(catalog !== null && { catalog }),
    ...(credential && {
      application_credential: { id: credential.id, name: credential.name, restricted: !credential.unrestricted },
    }),
  }
}

/** Whole seconds with six zeros, as Keystone writes its times. */
const moment = (time: number): string => `${new Date(Math.floor(time / 1000) * 1000).toISOString().slice(0, 19)}.000000Z`
