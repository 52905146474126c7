import { expect, test } from 'vitest'
import { imageMetaFrom } from '../../stores/objects/image-meta.ts'
import { Fault } from '../faults.ts'
import { checkMemoryEncryption } from './memory.ts'
import { numaTopology } from './numa.ts'
import { pciGroups, pciRequests } from './pci.ts'
import { checkMultiqueue, checkPackedRing, checkPmu, checkSerialPorts, diskEncryption, pciAffinity, soundModel } from './switches.ts'
import { checkTopology } from './topology.ts'
import type { GuestFlavor } from './wanted.ts'

type Texts = Readonly<Record<string, string>>

/** Without `hw:`; a key with a colon is taken as it is. */
const flavor = (specs: Texts, size: Partial<GuestFlavor> = {}): GuestFlavor => ({
  name: 'f',
  vcpus: 4,
  memoryMb: 1024,
  extraSpecs: Object.fromEntries(Object.entries(specs).map(([key, value]) => [key.includes(':') ? key : `hw:${key}`, value])),
  ...size,
})
const image = (properties: Texts) =>
  imageMetaFrom({
    id: '00000000-0000-4000-8000-000000000001',
    name: 'i',
    properties: Object.fromEntries(Object.entries(properties).map(([key, value]) => [`hw_${key}`, value])),
  })

/** What a check says: its words when it refuses, and otherwise what it finds. */
function outcome<T>(check: () => T): T | string {
  try {
    return check()
  } catch (error) {
    if (error instanceof Fault) return error.message
    throw error
  }
}

/** Processors and memory of each node, and what is pinned. */
const nodes = (specs: Texts, properties: Texts = {}, size: Partial<GuestFlavor> = {}) =>
  outcome(
    () => numaTopology(flavor(specs, size), image(properties))?.cells?.map((cell) => [cell.cpuset, cell.pcpuset, cell.memory]) ?? null,
  )

const all = [0, 1, 2, 3]
type NumaRow = [specs: Texts, properties: Texts, outcome: unknown]
const numa: NumaRow[] = [
  [{}, {}, null],
  [{ cpu_policy: 'shared' }, {}, null],
  [{ cpu_policy: 'dedicated' }, {}, [[[], all, 1024]]],
  [{}, { cpu_policy: 'dedicated' }, [[[], all, 1024]]],
  [{ cpu_policy: 'shared' }, { cpu_policy: 'dedicated' }, "Image property 'hw_cpu_policy' is not permitted to override"],
  [{ cpu_policy: 'mixed' }, { cpu_policy: 'dedicated' }, "Image property 'hw_cpu_policy' is not permitted to override"],
  [{ cpu_policy: 'dedicated' }, { cpu_policy: 'shared' }, [[[], all, 1024]]],
  [
    { cpu_policy: 'fast' },
    {},
    "CPU policy requested from 'flavor extra specs' is invalid, given: 'fast', available: '('dedicated', 'shared', 'mixed')'.",
  ],
  [{ cpu_thread_policy: 'isolate' }, {}, 'Cannot set cpu thread pinning policy in a non dedicated cpu pinning policy'],
  [{ cpu_policy: 'dedicated', cpu_thread_policy: 'require' }, { cpu_thread_policy: 'isolate' }, "Image property 'hw_cpu_thread_policy'"],
  [{ cpu_policy: 'dedicated', cpu_thread_policy: 'prefer' }, { cpu_thread_policy: 'isolate' }, [[[], all, 1024]]],
  [{ cpu_policy: 'mixed' }, {}, 'Dedicated CPU set can be specified from either'],
  [{ cpu_policy: 'mixed', cpu_dedicated_mask: '0-1' }, {}, [[[2, 3], [0, 1], 1024]]],
  [{ cpu_policy: 'mixed', cpu_dedicated_mask: '^0' }, {}, [[[0], [1, 2, 3], 1024]]],
  [{ cpu_policy: 'mixed', cpu_dedicated_mask: '0-3' }, {}, 'Mixed instance must have at least 1 pinned vCPU'],
  [{ cpu_policy: 'mixed', cpu_dedicated_mask: '3-4' }, {}, 'mask is not a subset of vCPUs in the flavor'],
  [{ cpu_policy: 'mixed', cpu_dedicated_mask: 'x' }, {}, "Invalid inclusion expression 'x'"],
  [{ cpu_policy: 'dedicated', cpu_dedicated_mask: '0' }, {}, "Cannot specify 'hw:cpu_dedicated_mask' without the 'mixed' policy."],
  [{ cpu_realtime: 'yes', cpu_realtime_mask: '^0' }, {}, 'Cannot set realtime policy in a non dedicated cpu pinning policy'],
  [{ cpu_policy: 'dedicated', cpu_realtime: 'yes' }, {}, 'Use of realtime CPUs requires either one or more'],
  [{ cpu_policy: 'dedicated', cpu_realtime: 'yes', emulator_threads_policy: 'isolate' }, {}, [[[], all, 1024]]],
  [{ cpu_policy: 'dedicated', cpu_realtime: 'yes' }, { cpu_realtime_mask: '^0-1' }, [[[], all, 1024]]],
  [
    { cpu_policy: 'dedicated', cpu_realtime: 'yes', cpu_realtime_mask: '4-5' },
    {},
    'Realtime policy vCPU(s) mask is configured with RT vCPUs',
  ],
  [{ cpu_policy: 'mixed', cpu_realtime: 'yes', cpu_realtime_mask: '2-3' }, {}, [[[0, 1], [2, 3], 1024]]],
  [{ emulator_threads_policy: 'isolate' }, {}, 'An isolated CPU emulator threads option requires a dedicated CPU policy option.'],
  [
    { emulator_threads_policy: 'x' },
    {},
    "CPU emulator threads option requested is invalid, given: 'x', available: '('share', 'isolate')'.",
  ],
  [{ 'resources:PCPU': '4' }, {}, [[[], all, 1024]]],
  [{ 'resources:PCPU': '3' }, {}, 'There is a mismatch between the number of PCPUs requested'],
  [{ 'resources1:PCPU': '4', 'resources:VCPU': '1' }, {}, "It is not possible to specify both 'resources:VCPU' and 'resources:PCPU'"],
  [{ 'resources:VCPU': '1', cpu_policy: 'shared' }, {}, "It is not possible to use the 'resources:VCPU' or 'resources:PCPU' extra specs"],
  [{ 'resources:PCPU': '4', emulator_threads_policy: 'isolate' }, {}, 'you must allocate exactly flavor.vcpus + 1 PCPUs.'],
  [
    { cpu_policy: 'dedicated', cpu_thread_policy: 'prefer', 'trait:HW_CPU_HYPERTHREADING': 'required' },
    {},
    "use the 'trait:HW_CPU_HYPERTHREADING'",
  ],
  [
    { numa_nodes: '2' },
    {},
    [
      [[0, 1], [], 512],
      [[2, 3], [], 512],
    ],
  ],
  [
    {},
    { numa_nodes: '2' },
    [
      [[0, 1], [], 512],
      [[2, 3], [], 512],
    ],
  ],
  [{ numa_nodes: '2' }, { numa_nodes: '2' }, "Image property 'hw_numa_nodes' is not permitted to override NUMA configuration"],
  [{ numa_nodes: '0' }, {}, "The property 'numa_nodes' cannot be '0'. It must be a number greater than 0"],
  [{ numa_nodes: '3' }, {}, 'Instance CPUs and/or memory cannot be evenly distributed'],
  [
    { numa_nodes: '2', 'numa_cpus.0': '0-2', 'numa_cpus.1': '3', 'numa_mem.0': '256', 'numa_mem.1': '768' },
    {},
    [
      [[0, 1, 2], [], 256],
      [[3], [], 768],
    ],
  ],
  [{ numa_nodes: '2', 'numa_cpus.0': '0-3', 'numa_mem.0': '1024' }, {}, 'CPU and memory allocation must be provided for all NUMA nodes'],
  [{ numa_nodes: '1', 'numa_cpus.0': '0-4', 'numa_mem.0': '1024' }, {}, 'CPU number 4 is larger than max 3'],
  [{ numa_nodes: '1', 'numa_cpus.0': '0-1', 'numa_mem.0': '1024' }, {}, 'CPU number {2, 3} is not assigned to any node'],
  [{ numa_nodes: '1', 'numa_cpus.0': '0-3', 'numa_mem.0': '1000' }, {}, '1000 MB of memory assigned, but expected 1024 MB'],
  [
    { numa_nodes: '2', 'numa_cpus.0': '0-2', 'numa_cpus.1': '2-3', 'numa_mem.0': '1', 'numa_mem.1': '1' },
    {},
    'CPU number 2 is assigned to two nodes',
  ],
  [{ mem_page_size: 'large' }, {}, [[all, [], 1024]]],
  [{ mem_page_size: 'x' }, {}, "Invalid memory page size 'x'"],
  [{}, { mem_page_size: '2048' }, "Page size 2048 forbidden against '<empty>'"],
  [{ mem_page_size: '4' }, { mem_page_size: '2048' }, "Page size 2048 forbidden against '4'"],
  [{ mem_page_size: 'any' }, { mem_page_size: '2MB' }, [[all, [], 1024]]],
  [{ locked_memory: 'true' }, {}, 'locked_memory value in image or flavor is forbidden when mem_page_size is not set.'],
  [
    { locked_memory: 'true', mem_page_size: 'small' },
    { locked_memory: 'false' },
    'locked_memory value in image (False) and flavor (True) conflict.',
  ],
]
for (const [specs, properties, wanted] of numa)
  test(`numa ${JSON.stringify(specs)} ${JSON.stringify(properties)}`, () => {
    const found = nodes(specs, properties)
    if (typeof wanted === 'string') expect(found).toContain(wanted)
    else expect(found).toEqual(wanted)
  })

test('sizes of pages', () => {
  const size = (text: string) => outcome(() => numaTopology(flavor({ mem_page_size: text }), image({}))?.cells?.[0]?.pagesize)
  expect(['small', 'large', 'any', '2048', '2MB', '1GiB', '16Kb'].map(size)).toEqual([-1, -2, -3, 2048, 2048, 1048576, 2])
})

type Check = (flavor: GuestFlavor, guest: ReturnType<typeof image>) => unknown
type Row = [name: string, check: Check, specs: Texts, properties: Texts, outcome: unknown]
const single: Row[] = [
  ['pmu', checkPmu, { pmu: 'true' }, { pmu: 'true' }, undefined],
  [
    'pmu',
    checkPmu,
    { pmu: 'true' },
    { pmu: 'false' },
    'Flavor f has hw:pmu extra spec explicitly set to True, conflicting with image i which has hw_pmu explicitly set to False.',
  ],
  ['queues', checkMultiqueue, { vif_multiqueue_enabled: 'no' }, { vif_multiqueue_enabled: 'yes' }, 'explicitly set to False, conflicting'],
  ['ports', checkSerialPorts, { serial_port_count: '2' }, { serial_port_count: '2' }, undefined],
  [
    'ports',
    checkSerialPorts,
    { serial_port_count: '2' },
    { serial_port_count: '3' },
    'Forbidden to exceed flavor value of number of serial ports',
  ],
  ['ports', checkSerialPorts, { serial_port_count: 'x' }, {}, "expected an integer, got 'x'"],
  ['ports', checkSerialPorts, {}, { serial_port_count: '9' }, undefined],
  ['sound', soundModel, { sound_model: 'ich9' }, {}, 'ich9'],
  ['sound', soundModel, { sound_model: 'ich9' }, { sound_model: 'usb' }, 'explicitly set to ich9, conflicting'],
  ['sound', soundModel, { sound_model: 'trumpet' }, {}, "Invalid sound device model 'trumpet'."],
  ['affinity', pciAffinity, { pci_numa_affinity_policy: 'socket' }, {}, 'socket'],
  [
    'affinity',
    pciAffinity,
    { pci_numa_affinity_policy: 'socket' },
    { pci_numa_affinity_policy: 'legacy' },
    "Image property 'hw_pci_numa_affinity_policy'",
  ],
  ['affinity', pciAffinity, { pci_numa_affinity_policy: 'x' }, {}, 'Invalid PCI NUMA affinity configured: x'],
  ['encryption', diskEncryption, {}, {}, undefined],
  ['encryption', diskEncryption, { ephemeral_encryption: 'true' }, { ephemeral_encryption_format: 'luks' }, { format: 'luks' }],
  [
    'encryption',
    diskEncryption,
    { ephemeral_encryption: 'true' },
    { ephemeral_encryption: 'false' },
    'which has hw_eph_encryption property',
  ],
  [
    'encryption',
    diskEncryption,
    { ephemeral_encryption: 'true', ephemeral_encryption_format: 'x' },
    {},
    'Invalid ephemeral encryption format x.',
  ],
  ['topology', checkTopology, { cpu_sockets: '2', cpu_max_sockets: '4' }, { cpu_max_sockets: '4' }, undefined],
  [
    'topology',
    checkTopology,
    { cpu_max_sockets: '4' },
    { cpu_max_sockets: '5' },
    'Image vCPU topology limits (sockets=5, cores=0, threads=0) exceeds the limits of the flavor (sockets=4, cores=0, threads=0)',
  ],
  [
    'topology',
    checkTopology,
    { cpu_max_cores: '2' },
    { cpu_cores: '4' },
    'Image vCPU topology (sockets=0, cores=4, threads=0) exceeds the limits of the flavor or image (sockets=65536, cores=2, threads=65536)',
  ],
  ['topology', checkTopology, { cpu_cores: 'x' }, {}, "Invalid flavor extra spec. Error: invalid literal for int() with base 10: 'x'"],
  ['memory', checkMemoryEncryption, { mem_encryption: 'true' }, { firmware_type: 'uefi' }, undefined],
  [
    'memory',
    checkMemoryEncryption,
    { mem_encryption: 'true' },
    {},
    "Memory encryption requested by hw:mem_encryption extra spec in f flavor but image i doesn't have 'hw_firmware_type'",
  ],
  [
    'memory',
    checkMemoryEncryption,
    { mem_encryption: 'true' },
    { mem_encryption: 'false' },
    'has hw:mem_encryption extra spec explicitly set to true, conflicting with image i',
  ],
  [
    'memory',
    checkMemoryEncryption,
    {},
    { mem_encryption: 'true', firmware_type: 'uefi', machine_type: 'pc' },
    "Machine type 'pc' is not compatible with image i (00000000-0000-4000-8000-000000000001): q35",
  ],
  [
    'memory',
    checkMemoryEncryption,
    { mem_encryption: 'true', mem_encryption_model: 'x' },
    { firmware_type: 'uefi', machine_type: 'pc-q35-8' },
    "Invalid memory encryption model 'x'.",
  ],
]
for (const [name, check, specs, properties, wanted] of single)
  test(`${name} ${JSON.stringify(specs)} ${JSON.stringify(properties)}`, () => {
    const found = outcome(() => check(flavor(specs), image(properties)))
    if (typeof wanted === 'string') expect(found).toContain(wanted)
    else expect(found).toEqual(wanted)
  })

test('a packed ring is asked of the text that the image has', () => {
  const ring = (spec: string, text: unknown) => outcome(() => checkPackedRing(flavor({ virtio_packed_ring: spec }), text))
  expect(ring('true', 'True')).toBeUndefined()
  expect(ring('true', undefined)).toBeUndefined()
  expect(ring('true', 'false')).toContain('Flavor has hw:virtio_packed_ring extra spec explicitly set to True, conflicting')
})

test('one processor needs no queues to agree', () => {
  const [specs, properties] = [{ vif_multiqueue_enabled: 'no' }, { vif_multiqueue_enabled: 'yes' }]
  expect(outcome(() => checkMultiqueue(flavor(specs, { vcpus: 1 }), image(properties)))).toBeUndefined()
})

const alias = (values: object) => JSON.stringify({ name: 'qat', vendor_id: '8086', product_id: '0443', ...values })
const wanting = (text: string, aliases: string[], pciInPlacement = false) =>
  outcome(() => {
    const backends = { settings: { pci: { alias: aliases }, filterScheduler: { pciInPlacement } }, ids: { uuid: () => 'r' } }
    return pciRequests(backends as never, flavor({ 'pci_passthrough:alias': text }), undefined)
  })

test('PCI devices by the names that nova.conf gives them', () => {
  expect(wanting('qat:2', [alias({ device_type: 'type-PF' })])).toMatchObject([
    {
      count: 2,
      alias_name: 'qat',
      numa_policy: 'legacy',
      request_id: 'r',
      spec: [{ vendor_id: '8086', product_id: '0443', dev_type: 'type-PF' }],
    },
  ])
  expect(wanting('gpu:1', [alias({})])).toBe('PCI alias gpu is not defined')
  expect(wanting('qat:x', [alias({})])).toContain("invalid literal for int() with base 10: 'x'")
  expect(wanting('qat:1', [alias({}), alias({ numa_policy: 'socket' })])).toBe(
    "Invalid PCI alias definition: NUMA policy mismatch for alias 'qat'",
  )
  expect(wanting('qat:1', [alias({ vendor_id: undefined })])).toContain(
    'The PCI alias(es) qat does not have vendor_id and product_id fields set.',
  )
  expect(wanting('qat:1', [alias({ colour: 'red' })])).toContain("'colour' is not understood")
  const placed = wanting('qat:2', [alias({ traits: 'CUSTOM_FAST,odd-one' })], true)
  expect(pciGroups(placed as never)).toMatchObject([
    { requester_id: 'r-0', resources: { CUSTOM_PCI_8086_0443: 1 }, required_traits: ['CUSTOM_FAST', 'CUSTOM_ODD_ONE'] },
    { requester_id: 'r-1' },
  ])
})
