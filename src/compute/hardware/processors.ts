/** What a guest's processors are to the host: shared, dedicated or both, with or without the threads beside them, real-time or not. */
import { cpuAllocationPolicy, cpuEmulatorThreadsPolicy, cpuThreadAllocationPolicy } from '../../stores/objects/enums.ts'
import { type GuestFlavor, type GuestImage, isYes, masked, property, range, spec, unfit, within, words } from './wanted.ts'

export type CpuPolicy = 'dedicated' | 'shared' | 'mixed'
export type ThreadPolicy = 'prefer' | 'isolate' | 'require'

export interface Processors {
  readonly policy: CpuPolicy | undefined
  readonly threadPolicy: ThreadPolicy | undefined
  readonly emulatorThreads: 'share' | 'isolate' | undefined
  /** Those that are pinned to processors of the host. */
  readonly dedicated: ReadonlySet<number>
}

/** Throws where flavor and image contradict each other or themselves. nova/virt/hardware.py numa_get_constraints, its first half */
export function processorsOf(flavor: GuestFlavor, image: GuestImage): Processors {
  const asked = cpuPolicy(flavor, image)
  const askedThreads = threadPolicy(flavor, image)
  const realtime = realtimeProcessors(flavor, image)
  const mask = dedicatedMask(flavor)
  const emulatorThreads = emulatorThreadPolicy(flavor)
  const policy = policyWithResources(flavor, asked, emulatorThreads)
  const threads = policyWithTrait(flavor, image, askedThreads)
  checkTogether({ policy, threads, emulatorThreads, realtime, mask })
  const dedicated = policy === 'dedicated' ? range(flavor.vcpus) : policy === 'mixed' ? (mask ?? realtime) : mask
  return { policy, threadPolicy: threads, emulatorThreads, dedicated: dedicated ?? new Set() }
}

/** get_cpu_policy_constraint */
function cpuPolicy(flavor: GuestFlavor, image: GuestImage): CpuPolicy | undefined {
  const wanted = spec(flavor, 'cpu_policy') || undefined
  const has = property(image, 'hw_cpu_policy')
  known('CPU policy', cpuAllocationPolicy.values!, wanted)
  const forbidden = { dedicated: [] as string[], mixed: ['dedicated'], shared: ['mixed', 'dedicated'] }
  if (wanted && has && forbidden[wanted as CpuPolicy].includes(has))
    throw unfit("Image property 'hw_cpu_policy' is not permitted to override CPU pinning policy set against the flavor")
  return (wanted as CpuPolicy | undefined) ?? has
}

/** get_cpu_thread_policy_constraint */
function threadPolicy(flavor: GuestFlavor, image: GuestImage): ThreadPolicy | undefined {
  const wanted = spec(flavor, 'cpu_thread_policy') || undefined
  const has = property(image, 'hw_cpu_thread_policy')
  known('CPU thread policy', cpuThreadAllocationPolicy.values!, wanted)
  if (wanted && wanted !== 'prefer' && has && has !== wanted)
    throw unfit("Image property 'hw_cpu_thread_policy' is not permitted to override CPU thread pinning policy set against the flavor")
  return (wanted as ThreadPolicy | undefined) ?? has
}

/** Values of the image were checked when its properties were converted. */
function known(what: string, values: readonly string[], wanted: string | undefined): void {
  if (wanted && !values.includes(wanted))
    throw unfit(`${what} requested from 'flavor extra specs' is invalid, given: '${wanted}', available: '${words(values)}'.`)
}

/** get_emulator_thread_policy_constraint */
function emulatorThreadPolicy(flavor: GuestFlavor): 'share' | 'isolate' | undefined {
  const wanted = spec(flavor, 'emulator_threads_policy')
  if (!wanted) return undefined
  const values = cpuEmulatorThreadsPolicy.values!
  if (!values.includes(wanted))
    throw unfit(`CPU emulator threads option requested is invalid, given: '${wanted}', available: '${words(values)}'.`)
  return wanted as 'share' | 'isolate'
}

const notEnoughForOthers = 'Use of realtime CPUs requires either one or more non-realtime CPU(s) or offloaded emulator threads.'

/** Undefined when the flavor does not ask for real-time processors. get_realtime_cpu_constraint */
export function realtimeProcessors(flavor: GuestFlavor, image: GuestImage): Set<number> | undefined {
  if (!isYes(spec(flavor, 'cpu_realtime') ?? '')) return undefined
  const mask = property(image, 'hw_cpu_realtime_mask') || spec(flavor, 'cpu_realtime_mask')
  const all = range(flavor.vcpus)
  const realtime = mask ? masked(mask, flavor.vcpus) : all
  if (realtime.size === 0) throw unfit(notEnoughForOthers)
  if (within(all, realtime) && realtime.size === all.size && !emulatorThreadPolicy(flavor)) throw unfit(notEnoughForOthers)
  if (!within(realtime, all))
    throw unfit(
      'Realtime policy vCPU(s) mask is configured with RT vCPUs that are not a subset of the vCPUs in the flavor. See hw:cpu_realtime_mask or hw_cpu_realtime_mask',
    )
  return realtime
}

/** get_dedicated_cpu_constraint */
function dedicatedMask(flavor: GuestFlavor): Set<number> | undefined {
  const mask = spec(flavor, 'cpu_dedicated_mask')
  if (!mask) return undefined
  const all = range(flavor.vcpus)
  const dedicated = masked(mask, flavor.vcpus)
  if (dedicated.size === 0 || within(all, dedicated))
    throw unfit("Mixed instance must have at least 1 pinned vCPU and 1 unpinned vCPU. See 'hw:cpu_dedicated_mask'.")
  if (!within(dedicated, all))
    throw unfit('Mixed instance dedicated vCPU(s) mask is not a subset of vCPUs in the flavor. See "hw:cpu_dedicated_mask"')
  return dedicated
}

/** `resources:VCPU` and `resources:PCPU` say the same as a policy, and cannot stand beside it. */
function policyWithResources(
  flavor: GuestFlavor,
  policy: CpuPolicy | undefined,
  emulatorThreads: string | undefined,
): CpuPolicy | undefined {
  const [shared, dedicated] = [amountOf(flavor, 'VCPU'), amountOf(flavor, 'PCPU')]
  if (policy && (shared || dedicated))
    throw unfit(
      "It is not possible to use the 'resources:VCPU' or 'resources:PCPU' extra specs in combination with the 'hw:cpu_policy' extra spec or 'hw_cpu_policy' image metadata property; use one or the other",
    )
  if (shared && dedicated)
    throw unfit("It is not possible to specify both 'resources:VCPU' and 'resources:PCPU' extra specs; use one or the other")
  if (dedicated) {
    if (emulatorThreads === 'isolate' && flavor.vcpus + 1 !== dedicated)
      throw unfit(
        "You have requested 'hw:emulator_threads_policy=isolate' but have not requested sufficient PCPUs to handle this policy; you must allocate exactly flavor.vcpus + 1 PCPUs.",
      )
    if (emulatorThreads !== 'isolate' && flavor.vcpus !== dedicated)
      throw unfit(
        "There is a mismatch between the number of PCPUs requested via 'resourcesNN:PCPU' and the flavor); you must allocate exactly flavor.vcpus PCPUs",
      )
    return 'dedicated'
  }
  return shared ? 'shared' : policy
}

function amountOf({ extraSpecs }: GuestFlavor, resource: string): number {
  const name = new RegExp(`^resources([1-9][0-9]*)?:${resource}`)
  return Object.entries(extraSpecs)
    .filter(([key, value]) => name.test(key) && /^\s*[+-]?\d+\s*$/.test(value))
    .reduce((sum, [, value]) => sum + Number(value), 0)
}

function policyWithTrait(flavor: GuestFlavor, image: GuestImage, policy: ThreadPolicy | undefined): ThreadPolicy | undefined {
  const [, ofFlavor] = Object.entries(flavor.extraSpecs).find(([key]) => /^trait([1-9][0-9]*)?:HW_CPU_HYPERTHREADING/.test(key)) ?? []
  const trait = ofFlavor ?? (property(image, 'traits_required')?.includes('HW_CPU_HYPERTHREADING') ? 'required' : undefined)
  if (policy && trait)
    throw unfit(
      "It is not possible to use the 'trait:HW_CPU_HYPERTHREADING' extra spec in combination with the 'hw:cpu_thread_policy' extra spec or 'hw_cpu_thread_policy' image metadata property; use one or the other",
    )
  return trait === 'forbidden' ? 'isolate' : trait === 'required' ? 'require' : policy
}

interface Together {
  readonly policy: CpuPolicy | undefined
  readonly threads: ThreadPolicy | undefined
  readonly emulatorThreads: string | undefined
  readonly realtime: Set<number> | undefined
  readonly mask: Set<number> | undefined
}

function checkTogether({ policy, threads, emulatorThreads, realtime, mask }: Together): void {
  if (policy === 'mixed') {
    if (Boolean(realtime) === Boolean(mask))
      throw unfit(
        "Dedicated CPU set can be specified from either 'hw:cpu_dedicated_mask' or 'hw:cpu_realtime_mask' when using 'mixed' CPU policy. 'hw:cpu_dedicated_mask' and 'hw:cpu_realtime_mask' can not be specified at the same time, or be specified with none of them.",
      )
    return
  }
  const shared = policy !== 'dedicated'
  if (shared && threads) throw unfit('Cannot set cpu thread pinning policy in a non dedicated cpu pinning policy')
  if (shared && emulatorThreads === 'isolate')
    throw unfit('An isolated CPU emulator threads option requires a dedicated CPU policy option.')
  if (mask) throw unfit("Cannot specify 'hw:cpu_dedicated_mask' without the 'mixed' policy.")
  if (shared && realtime) throw unfit('Cannot set realtime policy in a non dedicated cpu pinning policy')
}
