/** Neutron's errors: the status, the type that clients tell them apart by, and the words. */
import { type Reply, reply, ServiceError } from '../service.ts'

const invalid = 'Invalid input for operation: %s.'

// neutron_lib/exceptions, neutron/extensions, neutron/ipam/exceptions.py
const faults = {
  HTTPBadRequest: [400, '%s'],
  HTTPNotFound: [404, 'The resource could not be found.'],
  InvalidInput: [400, invalid],
  BadRequest: [400, 'Bad %s request: %s.'],
  PolicyNotAuthorized: [403, '%s is disallowed by policy'],
  HTTPForbidden: [403, '%s'],
  NotAuthorized: [403, 'Not authorized.'],
  AdminRequired: [403, 'User does not have admin privileges: %s.'],
  OverQuota: [409, 'Quota exceeded for resources: %s.'],
  RevisionNumberConstraintFailed: [412, 'Constrained to %s, but current revision is %s'],

  NetworkNotFound: [404, 'Network %s could not be found.'],
  NetworkInUse: [409, 'Unable to complete operation on network %s. %s.'],
  NetworkMTUSubnetConflict: [409, 'MTU of %s is not valid, subnet requires a minimum of %s'],
  InvalidSharedSetting: [409, 'Unable to reconfigure sharing settings for network %s. Multiple projects are using it.'],
  ExternalNetworkInUse: [409, 'External network %s cannot be updated to be made non-external, since it has existing gateway ports.'],
  FlatNetworkInUse: [409, 'Unable to create the flat network. Physical network %s is in use.'],
  VlanIdInUse: [409, 'Unable to create the network. The VLAN %s on physical network %s is in use.'],
  TunnelIdInUse: [409, 'Unable to create the network. The tunnel ID %s is in use.'],
  NoNetworkAvailable: [503, 'Unable to create the network. No project network is available for allocation.'],
  DefaultExternalExists: [409, 'A default external network already exists: %s.'],
  AvailabilityZoneNotFound: [404, 'AvailabilityZone %s could not be found.'],

  SubnetNotFound: [404, 'Subnet %s could not be found.'],
  SubnetInUse: [409, 'Unable to complete operation on subnet %s: %s.'],
  InvalidAllocationPool: [400, 'The allocation pool %s is not valid.'],
  OutOfBoundsAllocationPool: [400, 'The allocation pool %s spans beyond the subnet cidr %s.'],
  OverlappingAllocationPools: [409, 'Found overlapping allocation pools: %s %s for subnet %s.'],
  GatewayConflictWithAllocationPools: [409, 'Gateway ip %s conflicts with allocation pool %s.'],
  GatewayIpInUse: [409, 'Current gateway ip %s already in use by port %s. Unable to update.'],
  IpamValueInvalid: [409, 'Gateway IP %s cannot be the network or broadcast IP address %s'],
  DNSNameServersExhausted: [400, 'Unable to complete operation for %s. The number of DNS nameservers exceeds the limit %s.'],
  HostRoutesExhausted: [400, 'Unable to complete operation for %s. The number of host routes exceeds the limit %s.'],
  InvalidSubnetServiceType: [400, 'Subnet service type %s does not correspond to a valid device owner.'],
  InvalidInputSubnetServiceType: [400, 'Subnet service type %s is not a string.'],

  SubnetPoolNotFound: [404, 'Subnet pool %s could not be found.'],
  SubnetPoolDeleteError: [400, 'Unable to delete subnet pool: %s.'],
  SubnetPoolQuotaExceeded: [409, 'Per-project subnet pool prefix quota exceeded.'],
  EmptySubnetPoolPrefixList: [400, 'Empty subnet pool prefix list.'],
  PrefixVersionMismatch: [400, 'Cannot mix IPv4 and IPv6 prefixes in a subnet pool.'],
  IllegalSubnetPoolPrefixBounds: [400, 'Illegal prefix bounds: %s=%s, %s=%s.'],
  IllegalSubnetPoolPrefixUpdate: [400, 'Illegal update to prefixes: %s.'],
  IllegalSubnetPoolAssociationToAddressScope: [
    400,
    'Illegal subnetpool association: subnetpool %s cannot be associated with address scope %s.',
  ],
  IllegalSubnetPoolIpVersionAssociationToAddressScope: [
    400,
    'Illegal subnetpool association: subnetpool %s cannot associate with address scope %s because subnetpool ip_version is not %s.',
  ],
  IllegalSubnetPoolUpdate: [400, 'Illegal subnetpool update : %s.'],
  MinPrefixSubnetAllocationError: [400, 'Unable to allocate subnet with prefix length %s, minimum allowed prefix is %s.'],
  MaxPrefixSubnetAllocationError: [400, 'Unable to allocate subnet with prefix length %s, maximum allowed prefix is %s.'],
  // 500 on purpose: the exception has no status of its own in neutron_lib/api/faults.py.
  SubnetAllocationError: [500, 'Failed to allocate subnet: %s.'],
  NetworkSubnetPoolAffinityError: [400, 'Subnets hosted on the same network must be allocated from the same subnet pool.'],
  NetworkAddressScopeAffinityError: [
    400,
    'Subnets of the same address family hosted on the same network must all participate in the same address scope.',
  ],
  AddressScopeNotFound: [404, 'Address scope %s could not be found.'],
  AddressScopeInUse: [
    409,
    'Unable to complete operation on address scope %s. There are one or more subnet pools in use on the address scope.',
  ],
  AddressScopeUpdateError: [400, 'Unable to update address scope %s : %s.'],
  AddressScopePrefixConflict: [409, 'Failed to associate address scope: subnetpools within an address scope must have unique prefixes.'],
  AddressGroupNotFound: [404, 'Address group %s could not be found.'],
  AddressGroupInUse: [409, 'Address group %s is in use on one or more security group rules.'],
  AddressesNotFound: [404, 'Addresses %s not found in the address group %s.'],
  AddressesAlreadyExist: [400, 'Addresses %s already exist in the address group %s.'],

  PortNotFound: [404, 'Port %s could not be found.'],
  PortInUse: [409, 'Unable to complete operation on port %s for network %s. Port already has an attached device %s.'],
  PortBound: [409, 'Unable to complete operation on port %s, port is already bound, port type: %s, old_mac %s, new_mac %s.'],
  PortBoundNUMAAffinityPolicy: [
    409,
    'Unable to complete operation on port %s, port is already bound to host %s, numa_affinity_policy value given %s.',
  ],
  ServicePortInUse: [409, 'Port %s cannot be deleted directly via the port API: %s.'],
  UnsupportedPortDeviceOwner: [409, 'Operation %s is not supported for device_owner %s on port %s.'],
  DeviceIDNotOwnedByTenant: [409, 'The following device_id %s is not owned by your project or matches another project router.'],
  MacAddressInUse: [409, 'Unable to complete operation for network %s. The mac address %s is in use.'],
  InvalidIpForNetwork: [400, 'IP address %s is not a valid IP for any of the subnets on the specified network.'],
  InvalidIpForSubnet: [400, 'IP address %s is not a valid IP for the specified subnet.'],
  IpAddressGenerationFailure: [409, 'No more IP addresses available on network %s.'],
  IpAddressGenerationFailureNoMatchingSubnet: [409, 'No valid service subnet for the given device owner, network %s, service type %s.'],
  IpAddressAlreadyAllocated: [409, 'IP address %s already allocated in subnet %s'],
  AllocationOnAutoAddressSubnet: [
    400,
    'IPv6 address %s cannot be directly assigned to a port on subnet %s as the subnet is configured for automatic addresses',
  ],
  AllowedAddressPairsMissingIP: [400, 'AllowedAddressPair must contain ip_address'],
  DuplicateAddressPairInRequest: [400, 'Request contains duplicate address pair: mac_address %s ip_address %s.'],
  AddressPairAndPortSecurityRequired: [409, 'Port Security must be enabled in order to have allowed address pairs on a port.'],
  AllowedAddressPairExhausted: [400, 'The number of allowed address pair exceeds the maximum %s.'],
  PortSecurityPortHasSecurityGroup: [
    409,
    'Port has security group associated. Cannot disable port security or IP address until security group is removed.',
  ],
  PortSecurityAndIPRequiredForSecurityGroups: [
    400,
    'Port security must be enabled and port must have an IP address in order to use security groups.',
  ],
  PortBindingNotFound: [404, 'Binding for port %s for host %s could not be found.'],
  PortBindingAlreadyActive: [409, 'Binding for port %s on host %s is already active.'],
  PortBindingAlreadyExists: [409, 'Binding for port %s on host %s already exists.'],

  SecurityGroupNotFound: [404, 'Security group %s does not exist'],
  SecurityGroupInUse: [409, 'Security Group %s in use.'],
  SecurityGroupCannotRemoveDefault: [409, 'Insufficient rights for removing default security group.'],
  SecurityGroupCannotUpdateDefault: [409, 'Updating default security group not allowed.'],
  SecurityGroupDefaultAlreadyExists: [409, 'Default security group already exists.'],
  SecurityGroupConflict: [409, 'Error %s while attempting the operation.'],
  SecurityGroupRuleNotFound: [404, 'Security group rule %s does not exist'],
  SecurityGroupRuleExists: [409, 'Security group rule already exists. Rule id is %s.'],
  DuplicateSecurityGroupRuleInPost: [409, 'Duplicate Security Group Rule in POST.'],
  SecurityGroupRulesNotSingleProject: [400, 'Multiple project_ids in bulk security group rule create not allowed'],
  SecurityGroupNotSingleGroupRules: [400, 'Only allowed to update rules for one security profile at a time'],
  SecurityGroupMultipleRemoteEntites: [400, 'Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.'],
  SecurityGroupProtocolRequiredWithPorts: [400, 'Must also specify protocol if port range is given.'],
  SecurityGroupInvalidPortRange: [400, 'For TCP/UDP protocols, port_range_min must be <= port_range_max'],
  SecurityGroupInvalidPortValue: [400, 'Invalid value for port %s'],
  SecurityGroupInvalidIcmpValue: [400, 'Invalid value for ICMP %s (%s) %s. It must be 0 to 255.'],
  SecurityGroupMissingIcmpType: [400, 'ICMP code (port-range-max) %s is provided but ICMP type (port-range-min) is missing.'],
  SecurityGroupInvalidProtocolForPort: [400, 'Ports cannot be specified for protocol %s. Ports are only supported for %s.'],
  SecurityGroupEthertypeConflictWithProtocol: [400, 'Invalid ethertype %s for protocol %s.'],
  SecurityGroupRuleInvalidProtocol: [
    400,
    'Security group rule protocol %s not supported. Only protocol values %s and integer representations [0 to 255] are supported.',
  ],
  SecurityGroupRuleInvalidEtherType: [400, "Security group rule for ethertype '%s' not supported. Allowed values are %s."],
  SecurityGroupRuleParameterConflict: [400, 'Conflicting value ethertype %s for CIDR %s'],
  InvalidCIDR: [400, 'Invalid CIDR %s given as IP prefix.'],
  DefaultSecurityGroupRuleNotFound: [404, 'Default Security Group rule %s does not exist.'],
  DefaultSecurityGroupRuleExists: [409, 'Default Security group rule already exists. Rule id is %s.'],

  RouterNotFound: [404, 'Router %s could not be found'],
  RouterInUse: [409, 'Router %s %s'],
  RouterInterfaceNotFound: [404, 'Router %s does not have an interface with id %s'],
  RouterInterfaceNotFoundForSubnet: [404, 'Router %s has no interface on subnet %s'],
  SubnetMismatchForPort: [400, 'Subnet on port %s does not match the requested subnet %s.'],
  RouterInterfaceInUseByFloatingIP: [
    409,
    'Router interface for subnet %s on router %s cannot be deleted, as it is required by one or more floating IPs.',
  ],
  RouterInterfaceInUseByRoute: [
    409,
    'Router interface for subnet %s on router %s cannot be deleted, as it is required by one or more routes.',
  ],
  RouterExternalGatewayInUseByFloatingIp: [
    409,
    'Gateway cannot be updated for router %s, since a gateway to external network %s is required by one or more floating IPs.',
  ],
  InvalidRoutes: [400, 'Invalid format for routes: %s, %s'],
  RoutesExhausted: [400, 'Unable to complete operation for %s. The number of routes exceeds the maximum %s.'],

  FloatingIPNotFound: [404, 'Floating IP %s could not be found'],
  FloatingIPPortAlreadyAssociated: [
    409,
    'Cannot associate floating IP %s (%s) with port %s using fixed IP %s, as that fixed IP already has a floating IP on external network %s.',
  ],
  ExternalGatewayForFloatingIPNotFound: [
    404,
    'External network %s is not reachable from subnet %s.  Therefore, cannot associate Port %s with a Floating IP.',
  ],
  ExternalIpAddressExhausted: [400, 'Unable to find any IP address on external network %s.'],
  FipAssociated: [409, 'Unable to complete the operation on port %s because the port still has an associated floating IP.'],

  RbacPolicyNotFound: [404, 'RBAC policy of type %s with ID %s not found'],
  RbacPolicyInUse: [409, 'RBAC policy on object %s cannot be removed because other objects depend on it.\nDetails: %s'],
  InvalidActionForType: [400, "Invalid action '%s' for object type '%s'. Valid actions: %s"],
  DuplicateRbacPolicy: [409, 'An RBAC policy already exists with those values.'],
  TagNotFound: [404, 'Tag %s could not be found.'],
  TagResourceNotFound: [404, 'Resource %s %s could not be found.'],
  TenantQuotaNotFound: [404, 'Quota for project %s could not be found.'],
  AgentNotFound: [404, 'Agent %s could not be found.'],
  AutoAllocationFailure: [409, 'Deployment error: %s.'],
} as const satisfies Record<string, readonly [status: number, message: string]>

export type FaultKind = keyof typeof faults

/** The error of that name; `values` fill its `%s` in order. */
export function fault(kind: FaultKind, ...values: readonly (string | number)[]): ServiceError {
  const [status, message] = faults[kind]
  let at = 0
  return new ServiceError(
    status,
    message.replace(/%s/g, () => String(values[at++])),
    kind,
  )
}

export const badRequest = (message: string): ServiceError => fault('HTTPBadRequest', message)
export const invalidInput = (message: string): ServiceError => fault('InvalidInput', message)

/** 501 for what Neutron can do and this service does not; says so. */
export const notBuilt = (what: string): ServiceError =>
  new ServiceError(501, `The embedded network service does not implement ${what}.`, 'NotImplementedError')

/** What errors without a name of their own are called: those of the framework around Neutron (WebOb, keystonemiddleware). */
const framework: Readonly<Record<number, readonly [type: string, message: string]>> = {
  400: ['HTTPBadRequest', 'Body contains invalid data'],
  404: ['HTTPNotFound', 'The resource could not be found.'],
  405: ['HTTPMethodNotAllowed', 'The server could not comply with the request since it is either malformed or otherwise incorrect.'],
  413: ['HTTPRequestEntityTooLarge', 'The body of your request was too large for this server.'],
  500: ['HTTPInternalServerError', 'Request Failed: internal server error while processing your request.'],
}

/** How errors are sent: `NeutronError` for all but 401, which is the middleware's. */
export function faultBody(error: ServiceError): Reply {
  if (error.status === 401)
    return reply(401, { error: { code: 401, title: 'Unauthorized', message: error.message } }, [['WWW-Authenticate', 'Keystone']])
  const [type, message] = error.type ? [error.type, error.message] : (framework[error.status] ?? ['HTTPError', error.message])
  return reply(error.status, { NeutronError: { type, message, detail: '' } }, error.headers)
}
