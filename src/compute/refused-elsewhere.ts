/** What other services do not let the caller do, and what computes cannot do: users are told so whatever an operation expects. nova/api/openstack/wsgi.py expected_errors */
import { isSameService } from '../oslo/keystoneauth/catalog.ts'
import { PeerError } from '../oslo/keystoneauth/errors.ts'
import { RemoteError } from '../oslo/messaging/failure.ts'
import { cinderText } from '../peers/cinder.ts'
import { neutronText } from '../peers/neutron.ts'
import { Fault } from './faults.ts'

/** Subclasses of Forbidden and of NotSupported in nova/exception.py, as computes and conductors raise them. */
const forbidden = new Set([
  'AdminRequired',
  'ExternalNetworkAttachForbidden',
  'Forbidden',
  'ImageCPUPinningForbidden',
  'ImageCPUThreadPolicyForbidden',
  'ImageNUMATopologyForbidden',
  'ImagePCINUMAPolicyForbidden',
  'LockMemoryForbidden',
  'PolicyNotAuthorized',
  'VTPMSecretForbidden',
])
const unsupported = new Set([
  'ForbiddenPortsWithAccelerator',
  'ForbiddenWithAccelerators',
  'ForbiddenWithRemoteManagedPorts',
  'ForbiddenWithShare',
  'MultiattachNotSupportedByVirtDriver',
  'NotSupported',
  'OperationNotSupportedForSEV',
  'OperationNotSupportedForVDPAInterface',
  'OperationNotSupportedForVTPM',
])

/** `forbidden` or `unsupported`, in the words of whoever refused, or `notAuthorized`; undefined for any other error. */
export function refusedElsewhere(error: unknown): Fault | undefined {
  if (error instanceof RemoteError && error.module === 'nova.exception') return ofRemote(error)
  if (!(error instanceof PeerError)) return undefined
  if (isExpired(error)) return new Fault('notAuthorized')
  if (error.status !== 403) return undefined
  // nova/network/neutron.py ClientWrapper, nova/volume/cinder.py translate_cinder_exception
  if (error.service === 'network') return new Fault('forbidden', neutronText(error))
  return isSameService('block-storage', error.service) ? new Fault('forbidden', cinderText(error)) : undefined
}

/**
 * Whether Neutron no longer takes the caller's token: a client that is told so asks Keystone for another. Of admins Nova takes it for a fault of its own
 * settings. nova/network/neutron.py ClientWrapper
 */
export const isExpired = ({ service, status, caller }: PeerError): boolean =>
  service === 'network' && status === 401 && caller?.isAdmin === false

function ofRemote({ className, message }: RemoteError): Fault | undefined {
  if (className === 'Unauthorized') return new Fault('notAuthorized')
  if (forbidden.has(className)) return new Fault('forbidden', message)
  return unsupported.has(className) ? new Fault('unsupported', message) : undefined
}
