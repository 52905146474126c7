/** What Nova calls the errors that it does not foresee: the class of Python that its answer names, by which operators search their logs and bug reports. */
import { DatabaseBusy, DatabaseUnavailable } from '../../oslo/database/errors.ts'
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

/** Of services for which Nova has a class of its own. nova/image/glance.py, nova/volume/cinder.py, nova/share/manila.py */
const lost: readonly [RegExp, string][] = [
  [/^image$/, 'nova.exception.GlanceConnectionFailed'],
  [/^(volume|block-stor)/, 'nova.exception.CinderConnectionFailed'],
  [/^share/, 'nova.exception.ManilaConnectionFailed'],
]

const connections = {
  unreachable: 'keystoneauth1.exceptions.connection.ConnectFailure',
  timeout: 'keystoneauth1.exceptions.connection.ConnectTimeout',
  tls: 'keystoneauth1.exceptions.connection.SSLError',
  endpoint: 'keystoneauth1.exceptions.catalog.EndpointNotFound',
} as const

function peerClass({ kind, service, status, name }: PeerError): string {
  const connection = kind === 'status' || kind === 'malformed' ? undefined : connections[kind]
  const own = lost.find(([type]) => type.test(service))?.[1]
  if (connection !== undefined) return (kind !== 'endpoint' && own) || connection
  // glanceclient's ServiceUnavailable counts as no connection. nova/image/glance.py GlanceClientWrapper.call
  return status === 503 && service === 'image' && own ? own : name
}
