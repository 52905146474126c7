/** Which hosts may take a server. First what placement would say, then Nova's filters; each rule is one line of a table. */
import { hasCapabilities } from './capabilities.ts'
import type { HostState } from './hosts.ts'
import { isRebuild, type Request } from './request.ts'

type Rule = (host: HostState, request: Request) => boolean

const fits = ({ capacity, taken, node }: HostState, { takes, flavor }: Request): boolean =>
  taken.memoryMb + takes.memoryMb <= capacity.memoryMb &&
  taken.vcpus + takes.vcpus <= capacity.vcpus &&
  taken.diskGb + takes.diskGb <= capacity.diskGb &&
  // the largest that one server may take: what is there, whatever the ratio
  (flavor.vcpus ?? 0) <= node.vcpus &&
  takes.memoryMb <= node.memoryMb &&
  takes.diskGb <= node.localGb

const isNamed: Rule = (host, request) =>
  (request.host === undefined || request.host === host.host) &&
  (request.node === undefined || request.node === host.node.hypervisorHostname)

/** Aggregates that a destination names: each entry is a choice, `a,b` either of them. */
const isInAggregates: Rule = (host, { spec }) => {
  const { aggregates = null, forbidden_aggregates: forbidden = null } = spec.requested_destination ?? {}
  const mine = host.aggregates.map(({ uuid }) => uuid?.replaceAll('-', ''))
  const isIn = (uuid: string) => mine.includes(uuid.replaceAll('-', ''))
  return (aggregates ?? []).every((choice) => choice.split(',').some(isIn)) && !(forbidden ?? []).some(isIn)
}

/** `resources:VCPU=2` and the like: only what such a host has can be asked for. */
const hasResources: Rule = (host, { flavor }) =>
  Object.entries(flavor.extra_specs ?? {}).every(([key, value]) => {
    const found = /^resources\d*:(.+)$/.exec(key)
    if (!found || Number(value) === 0) return true
    const most = { VCPU: host.node.vcpus, MEMORY_MB: host.node.memoryMb, DISK_GB: host.node.localGb }[found[1]!]
    return most !== undefined && Number(value) <= most
  })

/** `trait:X=required` and `forbidden`, of the flavor and of the image. */
const hasTraits: Rule = ({ capabilities }, { flavor, spec }) => {
  const has = (trait: string) => capabilities?.traits.has(trait) ?? false
  const ofFlavor = Object.entries(flavor.extra_specs ?? {}).every(([key, value]) => {
    const trait = /^trait\d*:(.+)$/.exec(key)?.[1]
    return trait === undefined || (value === 'forbidden' ? !has(trait) : has(trait))
  })
  return ofFlavor && (spec.image?.properties?.traits_required ?? []).every(has)
}

/** What placement says before any filter is asked. nova/scheduler/request_filter.py, utils.py resources_from_request_spec */
const placement: readonly Rule[] = [
  isNamed,
  isInAggregates,
  // a disabled service has the trait COMPUTE_STATUS_DISABLED, which nobody wants
  ({ service }) => !service?.disabled,
  ({ zone }, { spec, forced }) => forced || !spec.availability_zone || spec.availability_zone === zone,
  hasResources,
  hasTraits,
  fits,
]

const addresses = (values: readonly string[], request: Request, host: HostState): boolean[] =>
  values.map((uuid) => request.hintedHosts.get(uuid) === host.host)

/** nova/scheduler/filters/affinity_filter.py */
const affinity: Rule = (host, { group, groupServers }) =>
  group?.policy !== 'affinity' || groupServers.size === 0 || groupServers.has(host.host)

const antiAffinity: Rule = (host, { group, groupServers }) =>
  group?.policy !== 'anti-affinity' || (groupServers.get(host.host) ?? 0) < Number(group.rules.max_server_per_host ?? 1)

/** nova/scheduler/filters/image_props_filter.py */
const supportsImage: Rule = ({ node }, { spec }) => {
  const { hw_architecture, img_hv_type, hw_vm_mode } = spec.image?.properties ?? {}
  if (!hw_architecture && !img_hv_type && !hw_vm_mode) return true
  const offers = JSON.parse(node.supportedInstances ?? '[]') as [string, string, string][]
  return offers.some(
    ([architecture, type, mode]) =>
      (!hw_architecture || hw_architecture === architecture) &&
      (!img_hv_type || img_hv_type === type) &&
      (!hw_vm_mode || hw_vm_mode === mode),
  )
}

/** Nova's filters, and the two for hints that deployments switch on. */
const filters: readonly Rule[] = [
  ({ up }) => up,
  (host, { flavor }) => hasCapabilities(host, flavor.extra_specs ?? {}),
  supportsImage,
  (host, { spec }) => !(spec.ignore_hosts ?? []).some((ignored) => ignored.toLowerCase() === host.host.toLowerCase()),
  affinity,
  antiAffinity,
  (host, request) => !addresses(request.hint('different_host'), request, host).includes(true),
  (host, request) => request.hint('same_host').length === 0 || addresses(request.hint('same_host'), request, host).includes(true),
]

const all =
  (rules: readonly Rule[]) =>
  (hosts: readonly HostState[], request: Request): HostState[] =>
    hosts.filter((host) => rules.every((rule) => rule(host, request)))

export const mayPlace = (hosts: readonly HostState[], request: Request): HostState[] =>
  isRebuild(request) ? hosts.filter((host) => isNamed(host, request)) : all(placement)(hosts, request)

/** A rebuild on its own host, which is forced, is asked about its image all the same. RUN_ON_REBUILD in nova/scheduler/filters */
const rebuildFilters: readonly Rule[] = [supportsImage]

/** A forced host passes every filter. nova/scheduler/host_manager.py HostManager.get_filtered_hosts */
export function passFilters(hosts: readonly HostState[], request: Request): HostState[] {
  if (isRebuild(request)) return all(rebuildFilters)(hosts, request)
  return request.forced ? [...hosts] : all(filters)(hosts, request)
}
