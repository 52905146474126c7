/** Nova's exceptions, by name: what faults show, what events record and what callers of methods receive. */
import { RemoteError } from '../../oslo/messaging/failure.ts'
import { GuestNotFound, NotSupported } from '../drivers/hypervisor.ts'

// nova/exception.py: code and text
const exceptions = {
  BuildAbortException: [500, 'Build of instance %(instance_uuid)s aborted: %(reason)s'],
  CinderConnectionFailed: [500, 'Connection to cinder host failed: %(reason)s'],
  ComputeHostNotFound: [404, 'Compute host %(host)s could not be found.'],
  ComputeServiceUnavailable: [400, 'Compute service of %(host)s is unavailable at this time.'],
  ConsoleTypeInvalid: [400, 'Invalid console type %(console_type)s'],
  ConsoleTypeUnavailable: [400, 'Unavailable console type %(console_type)s.'],
  DestinationHypervisorTooOld: [400, 'The instance requires a newer hypervisor version than has been provided.'],
  DevicePathInUse: [409, 'The supplied device path (%(path)s) is in use.'],
  ExternalNetworkAttachForbidden: [403, 'It is not allowed to create an interface on external network %(network_uuid)s'],
  FixedIpAlreadyInUse: [500, 'Fixed IP %(address)s is already in use.'],
  FixedIpInvalidOnHost: [400, 'The fixed IP associated with port %(port_id)s is not compatible with the host.'],
  FixedIpNotFoundForInstance: [404, "Instance %(instance_uuid)s does not have fixed IP '%(ip)s'."],
  Forbidden: [403, 'Forbidden'],
  GroupAffinityViolation: [500, '%(policy)s instance group policy was violated'],
  HostMappingNotFound: [400, "Host '%(name)s' is not mapped to any cell"],
  ImageNotFound: [404, 'Image %(image_id)s could not be found.'],
  InstanceEvacuateNotSupportedTargetState: [400, "Target state '%(target_state)s' for instance evacuate is not supported."],
  InstanceExists: [500, 'Instance %(name)s already exists.'],
  InstanceInvalidState: [400, 'Instance %(instance_uuid)s in %(attr)s %(state)s. Cannot %(method)s while the instance is in this state.'],
  InstanceNotFound: [404, 'Instance %(instance_id)s could not be found.'],
  InstanceNotReady: [400, 'Instance %(instance_id)s is not ready'],
  InstanceNotRescuable: [400, 'Instance %(instance_id)s cannot be rescued: %(reason)s'],
  InstancePasswordSetFailed: [500, 'Failed to set admin password on %(instance)s because %(reason)s'],
  InterfaceAttachFailed: [500, 'Failed to attach network adapter device to %(instance_uuid)s'],
  InterfaceAttachFailedNoNetwork: [400, "No specific network was requested and none are available for project '%(project_id)s'."],
  InterfaceDetachFailed: [400, 'Failed to detach network adapter device from %(instance_uuid)s'],
  InvalidBDM: [400, 'Block Device Mapping is Invalid.'],
  InvalidHypervisorType: [400, 'The supplied hypervisor type of is invalid.'],
  InvalidInput: [400, 'Invalid input received: %(reason)s'],
  InvalidMigrationState: [
    400,
    'Migration %(migration_id)s state of instance %(instance_uuid)s is %(state)s. Cannot %(method)s while the migration is in this state.',
  ],
  InternalError: [500, '%(err)s'],
  InvalidSharedStorage: [500, '%(path)s is not on shared storage: %(reason)s'],
  InvalidVolume: [400, 'Invalid volume: %(reason)s'],
  MaxRetriesExceeded: [500, 'Exceeded maximum number of retries. %(reason)s'],
  MigrationError: [500, 'Migration error: %(reason)s'],
  MigrationNotFound: [404, 'Migration %(migration_id)s could not be found.'],
  MigrationPreCheckError: [500, 'Migration pre-check error: %(reason)s'],
  MultiattachNotSupportedOldMicroversion: [400, 'Multiattach volumes are only supported starting with compute API version 2.60.'],
  NetworkAmbiguous: [400, 'Multiple possible networks found, use a Network ID to be more specific.'],
  NetworkNotFound: [404, 'Network %(network_id)s could not be found.'],
  NetworkNotFoundForInstance: [404, 'Network could not be found for instance %(instance_id)s.'],
  NotFound: [404, 'Resource could not be found.'],
  NoMoreFixedIps: [500, 'No fixed IP addresses available for network: %(net)s'],
  NoUniqueMatch: [409, "Multiple security groups found matching '%(name)s'. Use an ID to be more specific."],
  NoValidHost: [500, 'No valid host was found. %(reason)s'],
  OverQuota: [413, 'Quota exceeded for resources: %(overs)s'],
  PortBindingFailed: [400, 'Binding failed for port %(port_id)s, please check neutron logs for more information.'],
  PortInUse: [400, 'Port %(port_id)s is still in use.'],
  PortLimitExceeded: [413, 'Maximum number of ports exceeded'],
  PortNotFound: [404, 'Port id %(port_id)s could not be found.'],
  PortNotUsable: [400, 'Port %(port_id)s not usable for instance %(instance)s.'],
  PortNotUsableDNS: [
    400,
    "Port %(port_id)s not usable for instance %(instance)s. Value %(value)s assigned to dns_name attribute does not match instance's hostname %(hostname)s",
  ],
  PreserveEphemeralNotSupported: [400, 'The current driver does not support preserving ephemeral partitions.'],
  RescheduledByPolicyException: [500, 'Build of instance %(instance_uuid)s was re-scheduled: %(reason)s'],
  RescheduledException: [500, 'Build of instance %(instance_uuid)s was re-scheduled: %(reason)s'],
  SecurityGroupCannotBeApplied: [400, 'Network requires port_security_enabled and subnet associated in order to apply security groups.'],
  SecurityGroupNotFound: [404, 'Security group %(security_group_id)s not found.'],
  SnapshotNotFound: [404, 'Snapshot %(snapshot_id)s could not be found.'],
  UnableToAutoAllocateNetwork: [400, 'Unable to automatically allocate a network for project %(project_id)s'],
  UnableToMigrateToSelf: [400, 'Unable to migrate instance (%(instance_id)s) to current host (%(host)s).'],
  UnexpectedDeletingTaskStateError: [500, 'Conflict updating instance %(instance_uuid)s. Expected: %(expected)s. Actual: %(actual)s'],
  UnexpectedTaskStateError: [500, 'Conflict updating instance %(instance_uuid)s. Expected: %(expected)s. Actual: %(actual)s'],
  UnshelveException: [500, 'Error during unshelve instance %(instance_id)s: %(reason)s'],
  VolumeAttachmentNotFound: [404, 'Volume attachment %(attachment_id)s could not be found.'],
  VolumeBDMNotFound: [404, 'No volume Block Device Mapping with id %(volume_id)s.'],
  VolumeNotCreated: [
    500,
    'Volume %(volume_id)s did not finish being created even after we waited %(seconds)s seconds or %(attempts)s attempts. And its status is %(volume_status)s.',
  ],
  VolumeNotFound: [404, 'Volume %(volume_id)s could not be found.'],
} as const

export type ExceptionName = keyof typeof exceptions

/** One of Nova's exceptions; what crosses the wire is its class, its text and its arguments. */
export class NovaError extends RemoteError {
  readonly code: number
  constructor(className: ExceptionName, values: Readonly<Record<string, unknown>>, message?: string) {
    const [code, template] = exceptions[className]
    const text = message ?? template.replace(/%\((\w+)\)s/g, (_, key: string) => String(values[key] ?? ''))
    super({ className, module: 'nova.exception', message: text, kwargs: { ...values, code } })
    this.code = code
  }
}

/** `message` replaces the usual text. */
export const nova = (name: ExceptionName, values: Readonly<Record<string, unknown>> = {}, message?: string): NovaError =>
  new NovaError(name, values, message)

export const isNova = (error: unknown, ...names: readonly ExceptionName[]): error is NovaError =>
  error instanceof NovaError && (names as readonly string[]).includes(error.className)

/** The server is gone or going: whatever was in work with it ends without a complaint. */
export const isGone = (error: unknown): boolean => isNova(error, 'InstanceNotFound', 'UnexpectedDeletingTaskStateError')

/** Another request has changed the server's task meanwhile. */
export const isConflict = (error: unknown): boolean => isNova(error, 'UnexpectedTaskStateError', 'UnexpectedDeletingTaskStateError')

/** What a fault or an event tells of an error. nova/compute/utils.py exception_to_dict: of what is not Nova's own, the class alone */
export function told(error: unknown): { code: number; message: string; traceback: string } {
  const traceback = error instanceof Error ? (error.stack ?? '') : ''
  if (error instanceof NovaError) return { code: error.code, message: error.message, traceback }
  if (error instanceof RemoteError) return { code: Number(error.kwargs.code ?? 500), message: error.message, traceback }
  return { code: 500, message: error instanceof Error ? error.constructor.name : 'Exception', traceback }
}

/** What a method of the hypervisor threw, as the compute service passes it on. */
export function fromHypervisor(error: unknown, uuid: string): unknown {
  if (error instanceof GuestNotFound) return nova('InstanceNotFound', { instance_id: uuid })
  if (error instanceof NotSupported) return new RemoteError({ className: 'NotImplementedError', module: 'builtins', message: '', args: [] })
  return error
}
