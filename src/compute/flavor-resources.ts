/** What a server of a flavor takes in Placement, as far as its flavor says (nova/scheduler/utils.py resources_for_limits). */
import { processorsOf } from './hardware/processors.ts'
import { type GuestFlavor, spec, specSwitch } from './hardware/wanted.ts'

export interface SizedFlavor extends GuestFlavor {
  readonly rootGb: number
  readonly ephemeralGb: number
  /** In MiB. */
  readonly swap: number
}

/** Amounts by resource class, without those of which nothing is taken. Servers on a volume take no root disk. */
export function flavorResources(flavor: SizedFlavor, { onVolume }: { readonly onVolume: boolean }): Record<string, number> {
  const taken: Record<string, number> = {}
  const take = (name: string, amount: number) => {
    taken[name] = (taken[name] ?? 0) + amount
  }
  for (const [key, value] of Object.entries(flavor.extraSpecs)) {
    const [, name] = /^resources[a-zA-Z0-9_-]{0,64}:(.*)$/.exec(key) ?? []
    if (name) take(name, Number(value) || 0)
  }
  for (const [name, amount] of pinned(flavor)) take(name, amount)
  if (taken.VCPU === undefined && taken.PCPU === undefined) take('VCPU', flavor.vcpus)
  if (taken.MEMORY_MB === undefined) take('MEMORY_MB', flavor.memoryMb)
  if (taken.DISK_GB === undefined) take('DISK_GB', flavor.ephemeralGb + Math.ceil(flavor.swap / 1024) + (onVolume ? 0 : flavor.rootGb))
  if (specSwitch(flavor, 'mem_encryption')) take('MEM_ENCRYPTION_CONTEXT', 1)
  for (const label of spec(flavor, 'pmem')?.split(',').filter(Boolean) ?? [])
    take(`CUSTOM_PMEM_NAMESPACE_${label.toUpperCase().replaceAll(/[^0-9A-Z]+/g, '_')}`, 1)
  return Object.fromEntries(Object.entries(taken).filter(([, amount]) => amount !== 0))
}

/** Processors of the host that are the guest's alone. _translate_pinning_policies */
function pinned(flavor: SizedFlavor): [string, number][] {
  const { policy, dedicated, emulatorThreads } = processorsOf(flavor, {})
  if (policy !== 'dedicated' && policy !== 'mixed') return []
  const shared = policy === 'mixed' ? flavor.vcpus - dedicated.size : 0
  const alone = dedicated.size + (emulatorThreads === 'isolate' ? 1 : 0)
  return [...(shared > 0 ? [['VCPU', shared] as [string, number]] : []), ['PCPU', alone]]
}
