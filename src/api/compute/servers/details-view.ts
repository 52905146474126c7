/** Diagnostics and topology of servers as users see them. */
import type { Diagnostics } from '../../../stores/objects/diagnostics.ts'
import type { InstanceNUMATopology } from '../../../stores/objects/numa.ts'

const primitives = [
  'state',
  'driver',
  'hypervisor',
  'hypervisor_os',
  'uptime',
  'config_drive',
  'num_cpus',
  'num_nics',
  'num_disks',
] as const

const lists = {
  disk_details: ['read_bytes', 'read_requests', 'write_bytes', 'write_requests', 'errors_count'],
  cpu_details: ['id', 'time', 'utilisation'],
  nic_details: [
    'mac_address',
    'rx_octets',
    'rx_errors',
    'rx_drop',
    'rx_packets',
    'rx_rate',
    'tx_octets',
    'tx_errors',
    'tx_drop',
    'tx_packets',
    'tx_rate',
  ],
} as const

/** What is not known is null. nova/api/openstack/compute/views/server_diagnostics.py */
export function diagnosticsShown(diagnostics: Diagnostics): object {
  const part = (object: object | undefined, names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, (object as Readonly<Record<string, unknown>> | undefined)?.[name] ?? null]))
  const details = Object.entries(lists).map(([name, names]) => [
    name,
    (diagnostics[name as keyof typeof lists] ?? []).map((each) => part(each, names)),
  ])
  return {
    ...part(diagnostics, primitives),
    ...Object.fromEntries(details),
    memory_details: part(diagnostics.memory_details, ['maximum', 'used']),
  }
}

/** Where the nodes are on the host is not for everybody. nova/api/openstack/compute/server_topology.py */
export function topologyShown(topology: InstanceNUMATopology | null, withHost: boolean): object {
  const cells = topology?.cells ?? []
  const nodes = cells.map(({ id, cpuset = [], pcpuset = [], memory, cpu_pinning_raw: pinning, cpu_topology }) => {
    const cpus = [...new Set([...cpuset, ...pcpuset])].sort((a, b) => a - b)
    return {
      vcpu_set: cpus,
      siblings: siblingsOf(cpus, cpu_topology?.threads),
      memory_mb: memory,
      ...(withHost && { host_node: id, cpu_pinning: pinning ?? {} }),
    }
  })
  return { nodes, pagesize_kb: cells.map(({ pagesize }) => pagesize).findLast(Boolean) ?? null }
}

/** The processors that are threads of one core. nova/objects/instance_numa.py InstanceNUMACell.siblings */
function siblingsOf(cpus: readonly number[], threads: number | undefined | null): number[][] {
  if (!threads || threads === 1) return []
  const out: number[][] = []
  // What does not fill a core is left out
  for (let i = 0; i + threads <= cpus.length; i += threads) out.push(cpus.slice(i, i + threads))
  return out
}
