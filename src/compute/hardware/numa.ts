/** The NUMA nodes that a guest shall have, as flavor and image ask for them together. */
import { InstanceNUMACell, InstanceNUMATopology } from '../../stores/objects/numa.ts'
import { checkLockedMemory, pageSize } from './memory.ts'
import { processorsOf } from './processors.ts'
import { badSpec, type GuestFlavor, type GuestImage, processors, property, range, spec, specInteger, unfit } from './wanted.ts'

/** nova/objects/image_meta.py ImageMetaProps.NUMA_NODES_MAX */
const mostNodes = 128

/** Null when nothing asks for any. Throws where flavor and image contradict each other. nova/virt/hardware.py numa_get_constraints */
export function numaTopology(flavor: GuestFlavor, image: GuestImage): InstanceNUMATopology | null {
  const { policy, threadPolicy, emulatorThreads, dedicated } = processorsOf(flavor, image)
  const nodes = nodeCount(flavor, image)
  const pagesize = pageSize(flavor, image)
  checkLockedMemory(flavor, image)
  const pinned = policy === 'dedicated' || policy === 'mixed'
  if (!nodes && !pagesize && !hasPersistentMemory(flavor) && !pinned) return null
  const cells = nodesOf(flavor, image, nodes ?? 1).map(({ cpus, memory }, id) =>
    InstanceNUMACell.withDefaults(
      InstanceNUMACell.make({
        id,
        cpuset: [...cpus].filter((cpu) => !dedicated.has(cpu)),
        pcpuset: [...cpus].filter((cpu) => dedicated.has(cpu)),
        memory,
        pagesize: pagesize ?? null,
        cpu_policy: policy ?? null,
        cpu_thread_policy: threadPolicy ?? null,
      }),
    ),
  )
  return InstanceNUMATopology.make({ cells, emulator_threads_policy: emulatorThreads ?? null })
}

const hasPersistentMemory = (flavor: GuestFlavor): boolean => (spec(flavor, 'pmem') ?? '').split(',').some((label) => label.trim() !== '')

/** _get_numa_node_count_constraint */
function nodeCount(flavor: GuestFlavor, image: GuestImage): number | undefined {
  const [wanted, has] = [spec(flavor, 'numa_nodes'), property(image, 'hw_numa_nodes')]
  if (wanted && has) throw overridden('hw_numa_nodes')
  const nodes = wanted || has
  if (nodes === undefined || nodes === '') return undefined
  if (!/^[1-9]\d*$/.test(String(nodes))) throw unfit(`The property 'numa_nodes' cannot be '${nodes}'. It must be a number greater than 0`)
  return Number(nodes)
}

interface Node {
  readonly cpus: Set<number>
  /** In MiB. */
  readonly memory: number
}

function nodesOf(flavor: GuestFlavor, image: GuestImage, count: number): Node[] {
  const cpus = either(
    'hw_numa_cpus',
    numbered(flavor, 'numa_cpus', processors),
    property(image, 'hw_numa_cpus')?.map((set) => new Set(set)),
  )
  const memory = either(
    'hw_numa_mem',
    numbered(flavor, 'numa_mem', (text) => specInteger(text, badSpec)),
    property(image, 'hw_numa_mem'),
  )
  if (!cpus && !memory) return evenNodes(flavor, count)
  if (cpus?.length !== count || memory?.length !== count) throw unfit('CPU and memory allocation must be provided for all NUMA nodes')
  return givenNodes(
    flavor,
    cpus.map((set, i) => ({ cpus: set, memory: memory[i]! })),
  )
}

/** Lists that flavors write as `hw:<key>.0`, `hw:<key>.1` … up to the first that is missing. */
function numbered<T>(flavor: GuestFlavor, key: string, read: (text: string) => T): T[] | undefined {
  const values: T[] = []
  while (values.length < mostNodes) {
    const text = spec(flavor, `${key}.${values.length}`)
    if (text === undefined) break
    values.push(read(text))
  }
  return values.length > 0 ? values : undefined
}

function either<T>(name: string, wanted: T | undefined, has: T | undefined): T | undefined {
  if (wanted !== undefined && has !== undefined) throw overridden(name)
  return wanted ?? has
}

const overridden = (name: string) =>
  unfit(`Image property '${name}' is not permitted to override NUMA configuration set against the flavor`)

/** _get_numa_topology_auto */
function evenNodes({ vcpus, memoryMb }: GuestFlavor, count: number): Node[] {
  if (vcpus % count > 0 || memoryMb % count > 0)
    throw unfit(
      'Instance CPUs and/or memory cannot be evenly distributed across instance NUMA nodes. Explicit assignment of CPUs and memory to nodes is required',
    )
  const each = vcpus / count
  return Array.from({ length: count }, (_, node) => ({
    cpus: new Set([...range(each)].map((cpu) => node * each + cpu)),
    memory: memoryMb / count,
  }))
}

/** _get_numa_topology_manual */
function givenNodes({ vcpus, memoryMb }: GuestFlavor, nodes: Node[]): Node[] {
  const left = range(vcpus)
  for (const cpu of nodes.flatMap(({ cpus }) => [...cpus])) {
    if (cpu > vcpus - 1) throw unfit(`CPU number ${cpu} is larger than max ${vcpus - 1}`)
    if (!left.delete(cpu)) throw unfit(`CPU number ${cpu} is assigned to two nodes`)
  }
  if (left.size > 0) throw unfit(`CPU number {${[...left].join(', ')}} is not assigned to any node`)
  const total = nodes.reduce((sum, { memory }) => sum + memory, 0)
  if (total !== memoryMb) throw unfit(`${total} MB of memory assigned, but expected ${memoryMb} MB`)
  return nodes
}
