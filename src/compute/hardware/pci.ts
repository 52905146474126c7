/** PCI devices that a flavor asks for by the names that [pci] alias gives them (nova/pci/request.py). */
import { ConfigError } from '../../oslo/config/error.ts'
import { pciNumaAffinityPolicy } from '../../stores/objects/enums.ts'
import { InstancePCIRequest } from '../../stores/objects/pci.ts'
import { RequestGroup } from '../../stores/objects/request-spec.ts'
import type { Backends } from '../backends.ts'
import { type GuestFlavor, isYes, specInteger, unfit } from './wanted.ts'

interface Alias {
  readonly policy: string
  readonly specs: Readonly<Record<string, string>>[]
}

const keys = [
  'name',
  'capability_type',
  'product_id',
  'vendor_id',
  'device_type',
  'numa_policy',
  'resource_class',
  'traits',
  'live_migratable',
]
const deviceTypes = ['type-PCI', 'type-PF', 'type-VF']

/** `affinity` goes before what the alias says. Throws a Fault for an alias that is not there or not understood. */
export function pciRequests(
  { settings, ids }: Pick<Backends, 'settings' | 'ids'>,
  flavor: GuestFlavor,
  affinity: string | undefined,
): InstancePCIRequest[] {
  const wanted = flavor.extraSpecs['pci_passthrough:alias']
  if (wanted === undefined) return []
  const aliases = readAliases(settings.pci.alias, settings.filterScheduler.pciInPlacement)
  return wanted.split(',').map((text) => {
    const [name = '', count, ...more] = text.split(':')
    const alias = aliases.get(name.trim())
    if (count === undefined || more.length > 0) throw unfit(`Invalid PCI alias definition: ${text}`)
    if (!alias) throw unfit(`PCI alias ${name.trim()} is not defined`)
    return InstancePCIRequest.make({
      count: specInteger(count, (complaint) => unfit(`Invalid PCI alias definition: ${complaint}`)),
      spec: alias.specs.map((spec) => ({ ...spec })),
      alias_name: name.trim(),
      numa_policy: (affinity ?? alias.policy) as InstancePCIRequest['numa_policy'] & string,
      request_id: ids.uuid(),
    })
  })
}

function readAliases(texts: readonly string[], inPlacement: boolean): Map<string, Alias> {
  const aliases = new Map<string, { policy: string; specs: Record<string, string>[] }>()
  try {
    for (const text of texts) {
      const { name, policy, spec } = readAlias(text)
      const known = aliases.get(name)
      if (!known) aliases.set(name, { policy, specs: [spec] })
      else {
        if (known.policy !== policy) throw new ConfigError(`NUMA policy mismatch for alias '${name}'`)
        if (known.specs[0]!.dev_type !== spec.dev_type) throw new ConfigError(`Device type mismatch for alias '${name}'`)
        known.specs.push(spec)
      }
    }
    checkIdentified(aliases, inPlacement)
  } catch (error) {
    if (error instanceof ConfigError) throw unfit(`Invalid PCI alias definition: ${error.message}`)
    throw error
  }
  return aliases
}

function readAlias(text: string): { name: string; policy: string; spec: Record<string, string> } {
  let alias: Record<string, string>
  try {
    alias = JSON.parse(text)
  } catch (error) {
    throw new ConfigError((error as Error).message)
  }
  const unknown = Object.keys(alias).find((key) => !keys.includes(key) || typeof alias[key] !== 'string')
  if (unknown !== undefined) throw new ConfigError(`'${unknown}' is not understood`)
  const { name, numa_policy, device_type, live_migratable, ...spec } = alias
  if (!name) throw new ConfigError("'name' is a required property")
  for (const key of ['vendor_id', 'product_id'] as const)
    if (spec[key] !== undefined && !/^[\da-fA-F]{4}$/.test(spec[key]))
      throw new ConfigError(`'${spec[key]}' does not match '^([\\da-fA-F]{4})$'`)
  if (device_type && !deviceTypes.includes(device_type)) throw new ConfigError(`'${device_type}' is not one of ${deviceTypes.join(', ')}`)
  if (numa_policy && !pciNumaAffinityPolicy.values!.includes(numa_policy))
    throw new ConfigError(`'${numa_policy}' is not one of ${pciNumaAffinityPolicy.values!.join(', ')}`)
  if (device_type) spec.dev_type = device_type
  if (live_migratable !== undefined) spec.live_migratable = isYes(live_migratable) ? 'true' : 'false'
  return { name: name.trim(), policy: numa_policy || 'legacy', spec }
}

/** nova/pci/request.py _validate_aliases */
function checkIdentified(aliases: ReadonlyMap<string, Alias>, inPlacement: boolean): void {
  const names = (wrong: (alias: Alias) => boolean) => [...aliases].filter(([, alias]) => wrong(alias)).map(([name]) => name)
  const several = inPlacement ? names(({ specs }) => specs.length > 1) : []
  if (several.length > 0)
    throw new ConfigError(
      `The PCI alias(es) ${several.join(',')} have multiple specs but [filter_scheduler]pci_in_placement is True. The PCI in Placement feature only supports one spec per alias. You can assign the same resource_class to multiple [pci]device_spec matchers to allow using different devices for the same alias.`,
    )
  const vague = names(({ specs }) =>
    specs.some((spec) => !(spec.vendor_id && spec.product_id) && !(inPlacement && spec.resource_class !== undefined)),
  )
  if (vague.length > 0)
    throw new ConfigError(
      `The PCI alias(es) ${vague.sort().join(',')} does not have vendor_id and product_id fields set${inPlacement ? ' or resource_class field set' : ''}.`,
    )
}

/** What Placement is asked for each device of a flavor's requests. nova/objects/request_spec.py generate_request_groups_from_pci_requests */
export function pciGroups(requests: readonly InstancePCIRequest[]): RequestGroup[] {
  return requests.flatMap(({ count = 0, request_id, spec = [] }) =>
    Array.from({ length: count }, (_, i) =>
      RequestGroup.withDefaults(
        RequestGroup.make({
          requester_id: `${request_id}-${i}`,
          resources: { [resourceClass(spec[0] ?? {})]: 1 },
          required_traits: (spec[0]?.traits ?? '').split(',').filter(Boolean).map(traitName),
        }),
      ),
    ),
  )
}

function resourceClass({ resource_class, vendor_id, product_id }: Readonly<Record<string, string | null>>): string {
  if (!resource_class) return `CUSTOM_PCI_${vendor_id}_${product_id}`.toUpperCase()
  const name = resource_class.toUpperCase()
  return standardClasses.has(name) || /^CUSTOM_[A-Z0-9_]+$/.test(name) ? name : `CUSTOM_${plain(name)}`
}

/** A trait that has a name of Placement's own keeps it; others become custom ones. */
function traitName(name: string): string {
  const upper = name.toUpperCase()
  return /^(CUSTOM|HW|COMPUTE|STORAGE|MISC|OWNER)_[A-Z0-9_]+$/.test(upper) ? upper : `CUSTOM_${plain(upper)}`
}

/** os_resource_classes.normalize_name */
const plain = (name: string): string => name.replace(/[^0-9A-Z]+/g, '_')

/** The classes of os_resource_classes that a PCI device may be. */
const standardClasses = new Set(['PCI_DEVICE', 'SRIOV_NET_VF', 'VGPU', 'VGPU_DISPLAY_HEAD', 'FPGA', 'PGPU'])
