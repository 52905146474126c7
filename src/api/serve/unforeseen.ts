/** What Nova calls the errors that it does not foresee: the class of Python that its answer names, by which operators search their logs and bug reports. */
import type { FaultKind } from '../../compute/faults.ts'
import { DatabaseBusy, DatabaseUnavailable } from '../../oslo/database/errors.ts'
import { isSameService } from '../../oslo/keystoneauth/catalog.ts'
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import { RemoteError } from '../../oslo/messaging/failure.ts'

/** Our own name where Nova has none. */
export function classOf(error: unknown): string {
  if (error instanceof PeerError) return peerClass(error)
  if (error instanceof DatabaseUnavailable) return 'oslo_db.exception.DBConnectionError'
  if (error instanceof DatabaseBusy) return 'oslo_db.exception.DBDeadlock'
  if (!(error instanceof RemoteError)) return error instanceof Error ? error.name : typeof error
  // oslo_messaging/_drivers/common.py deserialize_remote_exception: Nova's own come back as classes that are made for them
  return error.module === 'nova.exception' ? `nova.exception_Remote.${error.className}_Remote` : 'oslo_messaging.rpc.client.RemoteError'
}

/** Of a refusal that an operation does not declare: Nova calls most of them as we do. */
export const classOfFault = (kind: FaultKind): string => faults[kind] ?? `nova.exception.${kind[0]!.toUpperCase()}${kind.slice(1)}`

const faults: Readonly<Partial<Record<FaultKind, string>>> = {
  badRequest: 'webob.exc.HTTPBadRequest',
  conflict: 'webob.exc.HTTPConflict',
  missing: 'webob.exc.HTTPNotFound',
  notImplemented: 'webob.exc.HTTPNotImplemented',
  computeDown: 'nova.exception.ServiceUnavailable',
  fixedIpInUse: 'nova.exception.FixedIpAlreadyInUse',
  serverLocked: 'nova.exception.InstanceIsLocked',
  serverNotFound: 'nova.exception.InstanceNotFound',
  unfitState: 'nova.exception.InstanceInvalidState',
  wrongState: 'nova.exception.InstanceInvalidState',
}

/** Of services for which Nova has a class of its own. nova/image/glance.py, nova/volume/cinder.py, nova/share/manila.py */
const lost: readonly [type: string, name: string][] = [
  ['image', 'nova.exception.GlanceConnectionFailed'],
  ['block-storage', 'nova.exception.CinderConnectionFailed'],
  ['shared-file-system', 'nova.exception.ManilaConnectionFailed'],
]

const connections = {
  unreachable: 'keystoneauth1.exceptions.connection.ConnectFailure',
  timeout: 'keystoneauth1.exceptions.connection.ConnectTimeout',
  tls: 'keystoneauth1.exceptions.connection.SSLError',
  endpoint: 'keystoneauth1.exceptions.catalog.EndpointNotFound',
} as const

function peerClass(error: PeerError): string {
  const { kind, service, status, name } = error
  const connection = kind === 'status' || kind === 'malformed' ? undefined : connections[kind]
  const own = lost.find(([type]) => isSameService(type, service))?.[1]
  if (connection !== undefined) return (kind !== 'endpoint' && own) || connection
  if (status === undefined) return name
  // glanceclient's ServiceUnavailable counts as no connection. nova/image/glance.py GlanceClientWrapper.call
  if (service === 'image') return status === 503 && own ? own : `glanceclient.exc.${glance[status] ?? 'HTTPException'}`
  // a caller who is no admin is told of it, so this is our own token or an admin's. nova/network/neutron.py ClientWrapper
  if (service === 'network' && status === 401) return 'nova.exception.NeutronAdminCredentialConfigurationInvalid'
  if (service === 'network')
    return `neutronclient.common.exceptions.${neutronClass(error.text) ?? neutron[status] ?? 'NeutronClientException'}`
  return isSameService('block-storage', service) ? `cinderclient.exceptions.${cinder[status] ?? 'ClientException'}` : name
}

type Classes = Readonly<Record<number, string>>

/** glanceclient/exc.py */
const glance: Classes = {
  400: 'HTTPBadRequest',
  401: 'HTTPUnauthorized',
  403: 'HTTPForbidden',
  404: 'HTTPNotFound',
  405: 'HTTPMethodNotAllowed',
  409: 'HTTPConflict',
  413: 'HTTPOverLimit',
  500: 'HTTPInternalServerError',
  501: 'HTTPNotImplemented',
  502: 'HTTPBadGateway',
}

/** cinderclient/exceptions.py */
const cinder: Classes = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  406: 'NotAcceptable',
  413: 'OverLimit',
  501: 'HTTPNotImplemented',
}

/** neutronclient/common/exceptions.py */
const neutron: Classes = {
  400: 'BadRequest',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  500: 'InternalServerError',
  503: 'ServiceUnavailable',
}

const neutronTypes = new Set([
  'ExternalIpAddressExhausted',
  'HostNotCompatibleWithFixedIps',
  'InvalidIpForNetwork',
  'InvalidIpForSubnet',
  'IpAddressAlreadyAllocated',
  'IpAddressGenerationFailure',
  'IpAddressInUse',
  'MacAddressInUse',
  'NetworkInUse',
  'NetworkNotFound',
  'OverQuota',
  'PortInUse',
  'PortNotFound',
  'StateInvalid',
])

/** Some of Neutron's errors have a class of their own. neutronclient/v2_0/client.py exception_handler_v20 */
function neutronClass(text: string): string | undefined {
  const [, type] = /"type": ?"(\w+)"/.exec(text) ?? []
  return type !== undefined && neutronTypes.has(type) ? `${type}Client` : undefined
}
