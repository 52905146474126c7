/**
 * A hypervisor without guests behind it: it keeps their power states, takes as long over things as it is told to, and answers as Nova's fake
 * driver does (nova/virt/fake.py FakeDriver), save that a snapshot has bytes.
 */
import { type Guest, GuestNotFound, type Hypervisor, NotSupported, type PowerState, power } from './hypervisor.ts'

/** What takes time, in milliseconds. */
export interface SimulatedTimes {
  readonly spawn: number
  readonly destroy: number
  /** Powering on and off, pausing, suspending, and their opposites. */
  readonly power: number
  readonly reboot: number
  readonly snapshot: number
  /** Copying a disk or memory to another host. */
  readonly move: number
  readonly attach: number
}

export interface SimulatedParts {
  /** Resolves after so many milliseconds. */
  readonly wait: (milliseconds: number) => Promise<void>
  readonly times: SimulatedTimes
  readonly ids: { uuid(): string }
  /** Of the host. */
  readonly size?: { readonly vcpus: number; readonly memoryMb: number; readonly diskGb: number }
}

interface Held {
  guest: Guest
  state: PowerState
  readonly ports: Set<string>
}

// nova/virt/fake.py FakeDriver
const largeHost = { vcpus: 1000, memoryMb: 800_000, diskGb: 600_000 }
const cpu = {
  arch: 'x86_64',
  model: 'Nehalem',
  vendor: 'Intel',
  features: ['clflush', 'pge'],
  topology: { cores: 1, threads: 1, sockets: 4 },
}
const traits = new Set([
  'COMPUTE_ACCELERATORS',
  'COMPUTE_ADDRESS_SPACE_EMULATED',
  'COMPUTE_ADDRESS_SPACE_PASSTHROUGH',
  'COMPUTE_DEVICE_TAGGING',
  'COMPUTE_IMAGE_TYPE_RAW',
  'COMPUTE_MEM_BACKING_FILE',
  'COMPUTE_NET_ATTACH_INTERFACE',
  'COMPUTE_NET_ATTACH_INTERFACE_WITH_TAG',
  'COMPUTE_NODE',
  'COMPUTE_SECURITY_STATELESS_FIRMWARE',
  'COMPUTE_STORAGE_VIRTIO_FS',
  'COMPUTE_TRUSTED_CERTS',
  'COMPUTE_VOLUME_ATTACH_WITH_TAG',
  'COMPUTE_VOLUME_EXTEND',
  'COMPUTE_VOLUME_MULTI_ATTACH',
])
const consoleText = 'FAKE CONSOLE OUTPUT\nANOTHER\nLAST LINE'
const snapshotBytes = 256 * 1024

/** An empty host. */
export function simulated({ wait, times, ids, size = largeHost }: SimulatedParts): Hypervisor {
  const held = new Map<string, Held>()
  const images = new Set<string>()
  const paths = { vnc: ids.uuid(), spice: ids.uuid(), serial: ids.uuid(), mks: ids.uuid() }

  function find(uuid: string): Held {
    const found = held.get(uuid)
    if (!found) throw new GuestNotFound(`the guest ${uuid} is not on this host`)
    return found
  }

  function hold(guest: Guest, state: PowerState): void {
    held.set(guest.uuid, { guest, state, ports: new Set(guest.interfaces.map(({ id }) => id!)) })
  }

  /** Something that takes its time and leaves the power as it is: the fake driver pauses and suspends in name only. */
  const nothing = async (uuid: string) => {
    await wait(times.power)
    find(uuid)
  }

  const turn = async (uuid: string, state: PowerState) => {
    find(uuid)
    await wait(times.power)
    find(uuid).state = state
  }

  return {
    capabilities: { migrateToSameHost: false, preserveEphemeral: false, traits },
    resources: () => ({
      type: 'fake',
      version: 1000,
      ...size,
      diskAvailableLeast: 0,
      cpu,
      address: '192.168.0.1',
      supports: [['x86_64', 'fake', 'hvm']],
    }),
    guests: () => [...held.keys()],
    adopt: hold,
    powerOf: (uuid) => held.get(uuid)?.state ?? power.nostate,
    async spawn(guest, { running }) {
      await wait(times.spawn)
      hold(guest, running ? power.running : power.shutdown)
    },
    async destroy(uuid) {
      await wait(times.destroy)
      held.delete(uuid)
    },
    powerOn: (uuid) => turn(uuid, power.running),
    powerOff: (uuid) => turn(uuid, power.shutdown),
    async reboot(guest, kind) {
      await wait(times.reboot)
      if (!held.has(guest.uuid) && kind === 'HARD') hold(guest, power.running)
      find(guest.uuid).state = power.running
    },
    pause: nothing,
    unpause: nothing,
    suspend: nothing,
    resume: nothing,
    rescue: nothing,
    unrescue: (uuid) => turn(uuid, power.running),
    async snapshot(uuid) {
      find(uuid)
      await wait(times.snapshot)
      const { name } = find(uuid).guest
      return { diskFormat: 'raw', containerFormat: 'bare', bytes: diskOf(name) }
    },
    moveDisk: async () => wait(times.move),
    async moveMemory(uuid) {
      find(uuid)
      await wait(times.move)
      return find(uuid).state
    },
    setAdminPassword: async () => {},
    triggerCrashDump: async () => {},
    async attachInterface(uuid, { id }) {
      await wait(times.attach)
      const { ports } = find(uuid)
      if (ports.has(id!)) throw new Error(`the port ${id} is attached already`)
      ports.add(id!)
    },
    attachVolume: async () => wait(times.attach),
    detachVolume: async () => wait(times.attach),
    swapVolume: async () => wait(times.attach),
    extendVolume: async () => {},
    async detachInterface(uuid, portId) {
      await wait(times.attach)
      if (!find(uuid).ports.delete(portId)) throw new Error(`the port ${portId} is not attached`)
    },
    quiesce: async () => {},
    unquiesce: async () => {},
    consoleOutput: async () => consoleText,
    async console(_, kind) {
      const path = paths[kind]
      const name = { vnc: 'vnc', spice: 'spice', serial: 'rdp', mks: 'mks' }[kind]
      return { host: `fake${name}console.com`, port: 6969, ...(kind === 'spice' && { tlsPort: 6970 }), path }
    },
    diagnostics: async () => oldDiagnostics,
    standardDiagnostics: async () => newDiagnostics,
    async cacheImage(id) {
      const there = images.has(id)
      images.add(id)
      return there
    },
    uptime: async () => {
      throw new NotSupported('the simulated hypervisor does not know its uptime')
    },
    hostPower: async (action) => action,
    maintenance: async (on) => (on ? 'on_maintenance' : 'off_maintenance'),
    setEnabled: async (enabled) => (enabled ? 'enabled' : 'disabled'),
  }
}

/** The same bytes for the same guest. */
async function* diskOf(name: string): AsyncIterable<Uint8Array> {
  const disk = Buffer.alloc(snapshotBytes)
  disk.write(`nova-ts: the disk of ${name}\n`)
  yield disk
}

const oldDiagnostics = {
  cpu0_time: 17300000000,
  memory: 524288,
  vda_errors: -1,
  vda_read: 262144,
  vda_read_req: 112,
  vda_write: 5778432,
  vda_write_req: 488,
  vnet1_rx: 2070139,
  vnet1_rx_drop: 0,
  vnet1_rx_errors: 0,
  vnet1_rx_packets: 26701,
  vnet1_tx: 140208,
  vnet1_tx_drop: 0,
  vnet1_tx_errors: 0,
  vnet1_tx_packets: 662,
}

const newDiagnostics = {
  state: 'running',
  driver: 'libvirt',
  hypervisor: 'kvm',
  hypervisor_os: 'ubuntu',
  uptime: 46664,
  config_drive: true,
  num_cpus: 1,
  num_nics: 1,
  num_disks: 1,
  memory_details: { maximum: 524288, used: 0 },
  cpu_details: [{ id: 0, time: 17300000000, utilisation: 15 }],
  nic_details: [
    {
      mac_address: '01:23:45:67:89:ab',
      rx_octets: 2070139,
      rx_errors: 100,
      rx_drop: 200,
      rx_packets: 26701,
      rx_rate: 300,
      tx_octets: 140208,
      tx_errors: 400,
      tx_drop: 500,
      tx_packets: 662,
      tx_rate: 600,
    },
  ],
  disk_details: [{ read_bytes: 262144, read_requests: 112, write_bytes: 5778432, write_requests: 488, errors_count: 1 }],
}
