/** EC2's tree: a leaf is text, a branch lists what is in it (nova/api/metadata/base.py get_ec2_metadata, ec2_md_print, find_path_in_tree). */
import type { Ec2Facts } from '../../compute/metadata/ec2.ts'
import { fixedAddressOf, flavorNameOf, floatingAddressOf, type Guest, hostnameOf, userDataOf } from '../../compute/metadata/guest.ts'
import type { Ec2Version } from './versions.ts'

type Leaf = string | number | null | Uint8Array | readonly string[]
export interface Branch {
  readonly [name: string]: Leaf | Branch
}

export interface Ec2Parts {
  readonly facts: Ec2Facts
  readonly version: Ec2Version
  /** Who asks, as the proxy says; shown to a server without an address. */
  readonly address: string | null
  readonly dhcpDomain: string
}

/** The tree of one version. */
export function ec2Tree(guest: Guest, parts: Ec2Parts): Branch {
  const userData = userDataOf(guest)
  return { 'meta-data': metaData(guest, parts), ...(userData && { 'user-data': userData }) }
}

function metaData(guest: Guest, { facts, version, address, dhcpDomain }: Ec2Parts): Branch {
  const { keyName } = guest
  const since = (first: Ec2Version, branch: Branch): Branch => (version >= first ? branch : {})
  const hostname = hostnameOf(guest, dhcpDomain)
  return {
    'ami-id': facts.amiId,
    'ami-launch-index': guest.launchIndex,
    'ami-manifest-path': 'FIXME',
    'instance-id': facts.instanceId,
    hostname,
    'local-ipv4': fixedAddressOf(guest) || address,
    'reservation-id': guest.reservationId,
    'security-groups': facts.securityGroups,
    ...(keyName && { 'public-keys': { '0': { _name: `0=${keyName}`, 'openssh-key': guest.keyData } } }),
    ...since('2007-01-19', {
      'local-hostname': hostname,
      'public-hostname': hostname,
      'public-ipv4': floatingAddressOf(guest) ?? '',
    }),
    ...since('2007-08-29', { 'instance-type': flavorNameOf(guest) }),
    ...since('2007-12-15', {
      'block-device-mapping': facts.blockDevices,
      ...(facts.kernelId && { 'kernel-id': facts.kernelId }),
      ...(facts.ramdiskId && { 'ramdisk-id': facts.ramdiskId }),
    }),
    ...since('2008-02-01', { placement: { 'availability-zone': guest.availabilityZone } }),
    ...since('2008-09-01', { 'instance-action': 'none' }),
  }
}

const isBranch = (at: Leaf | Branch | undefined): at is Branch =>
  typeof at === 'object' && at !== null && !Array.isArray(at) && !(at instanceof Uint8Array)

/** What is at the end of a path, as it is printed; undefined when there is nothing. */
export function printedAt(tree: Branch, segments: readonly string[]): string | Uint8Array | undefined {
  let at: Leaf | Branch | undefined = tree
  for (const segment of segments) {
    // Below a leaf there is nothing; Nova itself breaks off there
    if (!isBranch(at) || !Object.hasOwn(at, segment)) return undefined
    at = at[segment]
  }
  return printed(at!)
}

function printed(at: Leaf | Branch): string | Uint8Array {
  if (isBranch(at)) return listed(at)
  if (typeof at === 'string' || at instanceof Uint8Array) return at
  // Python's word for null, which is what guests of Nova see
  return at === null ? 'None' : Array.isArray(at) ? at.join('\n') : String(at)
}

const listed = (branch: Branch): string =>
  Object.keys(branch)
    .filter((key) => key !== '_name')
    .sort()
    .map((key) => nameOf(key, branch[key]!))
    .join('\n')

/** A branch ends with a slash, unless it has a name of its own: that of a key is `0=name`. */
const nameOf = (key: string, at: Leaf | Branch): string => (isBranch(at) ? String(at._name ?? `${key}/`) : key)
