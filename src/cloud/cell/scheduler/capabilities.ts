/** Extra specs of a flavor that are about the host. nova/scheduler/filters/compute_capabilities_filter.py, extra_specs_ops.py */
import type { HostState } from './hosts.ts'

type Specs = Readonly<Record<string, string | undefined>>

/** Whether the host has what extra specs in the scope `capabilities` want, and those without a scope that name something of a host: others are for nobody here. */
export function hasCapabilities(host: HostState, specs: Specs): boolean {
  const known = capabilitiesOf(host)
  const { 'hw:maxphysaddr_bits': bits, ...others } = specs
  const all: Specs = bits === undefined ? others : { ...others, 'capabilities:cpu_info:maxphysaddr:bits': `>= ${bits}` }
  return Object.entries(all).every(([key, wanted = '']) => {
    const scopes = key.split(':')
    if (scopes.length === 1 ? !Object.hasOwn(known, key) : scopes.shift() !== 'capabilities') return true
    const held = scopes.reduce(within, known)
    return held != null && matches(String(held), wanted)
  })
}

/** Attributes of Nova's HostState, and the host's statistics. */
function capabilitiesOf({ host, cell, node, taken, servers, ioWorkload, failedBuilds }: HostState): Record<string, unknown> {
  return {
    ...JSON.parse(node.stats ?? '{}'),
    host,
    nodename: node.hypervisorHostname,
    uuid: node.uuid,
    cell_uuid: cell,
    total_usable_ram_mb: node.memoryMb,
    free_ram_mb: node.memoryMb - taken.memoryMb,
    total_usable_disk_gb: node.localGb,
    free_disk_mb: (node.localGb - taken.diskGb) * 1024,
    disk_mb_used: taken.diskGb * 1024,
    vcpus_total: node.vcpus,
    vcpus_used: taken.vcpus,
    num_instances: servers,
    num_io_ops: ioWorkload,
    failed_builds: failedBuilds,
    hypervisor_type: node.hypervisorType,
    hypervisor_version: node.hypervisorVersion,
    hypervisor_hostname: node.hypervisorHostname,
    cpu_info: node.cpuInfo,
    ram_allocation_ratio: node.ramAllocationRatio,
    cpu_allocation_ratio: node.cpuAllocationRatio,
    disk_allocation_ratio: node.diskAllocationRatio,
  }
}

/** What a value has under a name. Text is taken for JSON. */
function within(value: unknown, name: string): unknown {
  const whole = typeof value === 'string' ? fromJson(value) : value
  return typeof whole === 'object' && whole !== null && Object.hasOwn(whole, name) ? (whole as Record<string, unknown>)[name] : undefined
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const operators: Readonly<Record<string, (held: string, first: string, words: readonly string[]) => boolean>> = {
  // not a slip: it is the older form of >=
  '=': (held, first) => Number(held) >= Number(first),
  '==': (held, first) => Number(held) === Number(first),
  '!=': (held, first) => Number(held) !== Number(first),
  '>=': (held, first) => Number(held) >= Number(first),
  '<=': (held, first) => Number(held) <= Number(first),
  's==': (held, first) => held === first,
  's!=': (held, first) => held !== first,
  's<': (held, first) => held < first,
  's<=': (held, first) => held <= first,
  's>': (held, first) => held > first,
  's>=': (held, first) => held >= first,
  '<in>': (held, first) => held.includes(first),
  '<all-in>': (held, _, words) => words.every((word) => held.includes(word)),
  // <or> one <or> other
  '<or>': (held, _, words) => words.some((word, index) => index % 2 === 0 && word === held),
}

/** An operator and a value, or a value alone. */
function matches(held: string, wanted: string): boolean {
  const [operator = '', ...words] = wanted.trim().split(/\s+/)
  const holds = Object.hasOwn(operators, operator) ? operators[operator] : undefined
  return holds ? words.length > 0 && holds(held, words[0]!, words) : held === wanted
}
