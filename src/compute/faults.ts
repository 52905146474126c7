/** Everything that can be refused, in Nova's words (nova/exception.py and the texts of its API). What status each has is the API's business. */

export const faults = {
  // of requests in general
  invalid: '%s',
  badRequest: '%s',
  conflict: '%s',
  forbidden: '%s',
  notFound: 'The resource could not be found.',
  malformedBody: 'Malformed request body',
  malformedRequest: 'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  // webob/exc.py HTTPUnauthorized: nova/api/openstack/__init__.py FaultWrapper leaves its own words in place
  notAuthorized:
    'This server could not verify that you are authorized to\r\naccess the document you requested.  Either you supplied the\r\nwrong credentials (e.g., bad password), or your browser\r\ndoes not understand how to supply the credentials required.\r\n',
  unsupportedContentType: 'Unsupported Content-Type',
  noSuchAction: 'There is no such action: %s',
  queryNotUtf8: 'Query string is not UTF-8 encoded',
  badVersionString: 'API Version String %s is of invalid format. Must be of format MajorNum.MinorNum.',
  versionNotServed: 'Version %s is not supported by the API. Minimum is %s and maximum is %s.',
  otherProject: "Malformed request URL: URL's project_id '%s' doesn't match Context's project_id '%s'",
  policyRefused: "Policy doesn't allow %s to be performed.",
  gone: 'This resource is no longer available. No forwarding address is given.',
  unforeseen: 'Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/ and attach the Nova API log if possible.\n%s',
  markerNotFound: 'marker [%s] not found',
  projectNotFound: 'Project ID %s is not a valid project.',
  keystoneNotFound: 'Nova was unable to find Keystone service endpoint.',
  cellDown: 'Cell %s is not responding or returned an exception, hence instance info is not available.',
  // servers
  serverNotFound: 'Instance %s could not be found.',
  // what is done to servers
  missing: '%s',
  unsupported: '%s',
  notImplemented: '%s',
  serverUnmapped: 'Instance %s has no mapping to a cell.',
  serverLocked: 'Instance %s is locked',
  serverNotReady: 'Instance %s is not ready',
  wrongState: "Cannot '%s' instance %s while it is in %s %s",
  unfitState: "Instance %s is in an invalid state for '%s'",
  computeDown: 'Service is unavailable at this time.',
  computeHostNotFound: 'Compute host %s could not be found.',
  undelivered: 'The message could not be delivered: %s',
  attachFailed: '%s',
  unanswered: 'No answer to %s came in time.',
  imageNotFound: 'Image %s could not be found.',
  imageNotAuthorized: 'Not authorized for image %s.',
  imageBadRequest: 'Request of image %s got BadRequest response: %s',
  migrationNotFound: 'Migration %s not found for instance %s',
  migrationNotFoundByStatus: 'Migration not found for instance %s with status %s.',
  migrationState: 'Migration %s state of instance %s is %s. Cannot %s while the migration is in this state.',
  invalidVolume: 'Invalid volume: %s',
  // flavors
  flavorNotFound: 'Flavor %s could not be found.',
  flavorExists: 'Flavor with name %s already exists.',
  flavorIdExists: 'Flavor with ID %s already exists.',
  flavorAccessExists: 'Flavor access already exists for flavor %s and project %s combination.',
  flavorAccessNotFound: 'Flavor access not found for %s / %s combination.',
  accessToPublicFlavor: 'Can not add access to a public flavor.',
  noAccessList: 'Access list not available for public flavors.',
  extraSpecNotFound: 'Flavor %s has no extra specs with key %s.',
  // key pairs
  keyPairNotFound: 'Keypair %s not found for user %s',
  keyPairExists: "Key pair '%s' already exists.",
  keyPairLimitExceeded: 'Quota exceeded, too many key pairs.',
  invalidKeyPair: 'Keypair data is invalid: %s',
  markerMissing: 'Marker %s could not be found.',
  // quotas
  limitTooLow: 'Quota limit %s for %s must be greater than or equal to already used and reserved %s.',
  limitTooHigh: 'Quota limit %s for %s must be less than or equal to %s.',
  tooManyServerGroups: 'Quota exceeded, too many server groups.',
  volumeNotAttached: 'No volume Block Device Mapping with id %s.',
  volumeAttachedOften: 'Block Device Mapping %s is a multi-attach volume and is not valid for this operation.',
  // aggregates, services, hosts
  invalidInput: 'Invalid input received: %s',
  aggregateNotFound: 'Aggregate %s could not be found.',
  aggregateExists: 'Aggregate %s already exists.',
  aggregateHostExists: 'Aggregate %s already has host %s.',
  aggregateHostNotFound: 'Cannot remove host %s in aggregate %s',
  aggregateHostRefused: 'Cannot add host to aggregate %s. Reason: %s.',
  aggregateHostKept: 'Cannot remove host from aggregate %s. Reason: %s.',
  aggregateNotUpdated: 'Cannot update aggregate %s. Reason: %s.',
  aggregateMetadataNotUpdated: 'Cannot update metadata of aggregate %s. Reason: %s.',
  providerConflict: 'A conflict was encountered attempting to update resource provider %s.',
  hostNotMapped: "Host '%s' is not mapped to any cell",
  hostBinaryNotFound: 'Could not find binary %s on host %s.',
  serviceNotFound: 'Service %s could not be found.',
  serviceNotUnique: 'Service id %s refers to multiple services.',
  computeUnavailable: 'Compute service of %s is unavailable at this time.',
  hypervisorNotFound: "Hypervisor with ID '%s' could not be found.",
  noSuchHypervisors: "No hypervisor matching '%s' could be found.",
  evacuationsRemain:
    'Unable to force up host %s as `done` evacuation migration records remain associated with the host. Ensure the compute service has been ' +
    'restarted, allowing these records to move to `completed` before retrying this request.',
  computeInUse: 'Unable to delete compute service that is hosting instances. Migrate or delete the instances first.',
  computeHasMoves:
    'Unable to delete compute service that has in-progress migrations. Complete the migrations or delete the instances first.',
  // shares
  shareNotFound: 'Share %s could not be found.',
  shareUnavailable: "Share %s is in '%s' instead of 'available' status.",
  shareExists: "Share '%s' or tag '%s' already associated to this server.",
  shareProtocolUnsupported: 'Share protocol %s is not supported.',
  shareWithoutLocation: 'Share %s export location is missing.',
  sharesTooEarly: 'Feature not supported until computes have not been updated.',
  sharesNotConfigured: 'Feature not supported because either compute or instance are not configured correctly.',
  // creating servers
  unfitFlavorImage: '%s',
  overQuota: '%s',
  undeliveredBuild: 'The servers could not be handed to the conductor: %s. None was made.',
  tooManyServers: 'Quota exceeded for %s: Requested %s, but already used %s of %s %s',
  metadataLimitExceeded: 'Maximum number of metadata items exceeds %s',
  fileLimitExceeded: 'Personality file limit exceeded',
  filePathLimitExceeded: 'Personality file path exceeds maximum %s',
  fileContentLimitExceeded: 'Personality file content exceeds maximum %s',
  portLimitExceeded: 'Maximum number of ports exceeded',
  groupMemberLimitExceeded: 'Quota exceeded, too many servers in group',
  serverGroupNotFound: 'Instance group %s could not be found.',
  imageNotActive: 'Image %s is not active.',
  imageUnacceptable: 'Image %s is unacceptable: %s',
  autoDiskConfigDisabled: 'Requested image %s has automatic disk resize disabled.',
  zeroDiskFlavor: 'Only volume-backed servers are allowed for flavors with zero disk.',
  invalidBlockDevice: 'Block Device Mapping is Invalid: %s',
  volumeNotBootable: 'Block Device %s is not bootable.',
  volumeNotFound: 'Volume %s could not be found.',
  snapshotNotFound: 'Snapshot %s could not be found.',
  volumeTypeNotFound: 'Volume type %s could not be found.',
  volumeZoneMismatch: 'The availability zone between the server and its attached volumes do not match: %s.',
  multiattachTooEarly: 'Multiattach volumes are only supported starting with compute API version 2.60.',
  networkNotFound: 'Network %s could not be found.',
  networkAmbiguous: 'Multiple possible networks found, use a Network ID to be more specific.',
  networkRequiresSubnet: 'Network %s requires a subnet in order to boot instances on.',
  cannotAutoAllocate: 'Unable to automatically allocate a network for project %s',
  portNotFound: 'Port id %s could not be found.',
  portInUse: 'Port %s is still in use.',
  portRequiresFixedIp: 'Port %s requires a FixedIP in order to be used.',
  fixedIpInUse: 'Fixed IP address %s is already in use on instance %s.',
  launchFailed: 'Failed to launch instances: %s',
  deviceProfileError: 'Device profile name %s: %s',
} as const

export type FaultKind = keyof typeof faults

/** A refusal that the caller is told of. `values` fill the `%s` of its text. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly kind: FaultKind
  readonly values: readonly unknown[]
  constructor(kind: FaultKind, ...values: readonly unknown[]) {
    super(format(faults[kind], values))
    this.kind = kind
    this.values = values
  }
}

function format(text: string, values: readonly unknown[]): string {
  let next = 0
  return text.replaceAll('%s', () => String(values[next++]))
}
