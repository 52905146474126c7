/** The request context as `_context_*` keys of a message: what nova.context.RequestContext.to_dict() puts there. */
import type { CatalogService, RequestContext } from '../context.ts'
import type { Message } from './envelope.ts'

const prefix = '_context_'

// nova/context.py RequestContext.__init__: the services that Nova itself asks; the rest of the catalogue stays home
const servicesThatTravel = new Set(['image', 'block-storage', 'volumev3', 'key-manager', 'placement', 'network', 'accelerator', 'sharev2'])

/** Keys that our contexts do not have go out with the value they have in Nova when nobody sets them. */
export function contextToWire(context: RequestContext): Record<string, unknown> {
  return {
    _context_user: context.userId,
    _context_project_id: context.projectId,
    _context_system_scope: context.systemScope,
    _context_project: context.projectId,
    _context_domain: context.domainId,
    _context_user_domain: context.userDomainId,
    _context_project_domain: context.projectDomainId,
    _context_is_admin: context.isAdmin,
    _context_read_only: false,
    _context_show_deleted: false,
    _context_auth_token: context.token,
    _context_request_id: context.requestId,
    _context_global_request_id: context.globalRequestId,
    _context_resource_uuid: null,
    _context_roles: context.roles,
    _context_user_identity: identity(context),
    _context_is_admin_project: context.isAdminProject,
    _context_user_id: context.userId,
    _context_read_deleted: context.readDeleted,
    _context_remote_address: context.remoteAddress,
    _context_timestamp: withMicroseconds(context.timestamp),
    _context_quota_class: null,
    _context_user_name: context.userName,
    _context_service_catalog: context.catalog.filter(({ type }) => servicesThatTravel.has(type)),
    _context_project_name: context.projectName,
  }
}

/** What does not travel (the domain's name, the service token and whose it is) is null or empty. A missing request id is empty. */
export function contextFromWire(message: Message): RequestContext {
  const text = (key: string): string | null => {
    const value = message[prefix + key]
    return typeof value === 'string' ? value : null
  }
  const flag = (key: string, otherwise: boolean) => {
    const value = message[prefix + key]
    return typeof value === 'boolean' ? value : otherwise
  }
  const readDeleted = text('read_deleted')
  return {
    userId: text('user_id') ?? text('user'),
    userName: text('user_name'),
    projectId: text('project_id'),
    projectName: text('project_name'),
    domainId: text('domain'),
    domainName: null,
    userDomainId: text('user_domain'),
    projectDomainId: text('project_domain'),
    systemScope: text('system_scope'),
    roles: list(message[`${prefix}roles`]).filter((role) => typeof role === 'string'),
    isAdmin: flag('is_admin', false),
    isAdminProject: flag('is_admin_project', true),
    token: text('auth_token'),
    serviceToken: null,
    serviceUserId: null,
    serviceProjectId: null,
    serviceRoles: [],
    catalog: list(message[`${prefix}service_catalog`]) as CatalogService[],
    requestId: text('request_id') ?? '',
    globalRequestId: text('global_request_id'),
    remoteAddress: text('remote_address'),
    timestamp: text('timestamp') ?? '',
    readDeleted: readDeleted === 'yes' || readDeleted === 'only' ? readDeleted : 'no',
  }
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

// oslo_context/context.py user_idt_format
const identity = (context: RequestContext): string =>
  [context.userId, context.projectId, context.domainId, context.userDomainId, context.projectDomainId]
    .map((value) => value || '-')
    .join(' ')

// nova/context.py parses it with %S.%f: without a fraction the other side refuses the whole message
function withMicroseconds(timestamp: string): string {
  const found = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?/.exec(timestamp)
  if (!found) return timestamp
  return `${found[1]}T${found[2]}.${(found[3] ?? '').padEnd(6, '0').slice(0, 6)}`
}
