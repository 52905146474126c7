/** What the compute service asks of a hypervisor. The simulated one is in `simulated.ts`; one that runs real guests can stand beside it. */
import type { VIF } from '../../stores/objects/network-info.ts'

/** nova/compute/power_state.py */
export const power = { nostate: 0, running: 1, paused: 3, shutdown: 4, crashed: 6, suspended: 7 } as const
export type PowerState = (typeof power)[keyof typeof power]

/** A server as the hypervisor knows it. */
export interface Guest {
  readonly uuid: string
  /** `instance-0000002a` */
  readonly name: string
  readonly vcpus: number
  readonly memoryMb: number
  readonly rootGb: number
  /** The image that it booted from; null when it boots from a volume. */
  readonly imageId: string | null
  readonly interfaces: readonly VIF[]
}

export interface HostResources {
  readonly type: string
  /** 1.0 is 1000. */
  readonly version: number
  readonly vcpus: number
  readonly memoryMb: number
  readonly diskGb: number
  readonly diskAvailableLeast: number
  readonly cpu: Readonly<Record<string, unknown>>
  /** Where other hosts send what moves here. */
  readonly address: string
  /** Architecture, hypervisor and mode that go together. */
  readonly supports: readonly (readonly [architecture: string, type: string, mode: string])[]
}

export interface Capabilities {
  /** A cold migration may end on the host where it began. */
  readonly migrateToSameHost: boolean
  readonly preserveEphemeral: boolean
  /** Traits that placement would know of its hosts. */
  readonly traits: ReadonlySet<string>
}

/** The disk of a guest at one moment. */
export interface Snapshot {
  readonly diskFormat: string
  readonly containerFormat: string
  readonly bytes: AsyncIterable<Uint8Array>
}

export type ConsoleKind = 'vnc' | 'spice' | 'serial' | 'mks'

/** Where a proxy finds the console of a guest. */
export interface ConsoleAddress {
  readonly host: string
  readonly port: number
  readonly tlsPort?: number
  readonly path: string
}

/** The guest is not on this host. */
export class GuestNotFound extends Error {
  override readonly name = 'GuestNotFound'
}

/** This hypervisor has no such thing. */
export class NotSupported extends Error {
  override readonly name = 'NotSupported'
}

/** Methods that name a guest throw a `GuestNotFound` when it is not there, save where they say otherwise; those it does not know, a `NotSupported`. */
export interface Hypervisor {
  readonly capabilities: Capabilities
  resources(): HostResources
  guests(): string[]
  /** Takes over a guest that was here before this process was, or that came from another host with its memory. */
  adopt(guest: Guest, state: PowerState): void
  /** `nostate` when it is not there. */
  powerOf(uuid: string): PowerState
  /** Makes a guest, in place of one that is there. */
  spawn(guest: Guest, on: { running: boolean }): Promise<void>
  /** One that is not there is gone already. */
  destroy(uuid: string): Promise<void>
  powerOn(uuid: string): Promise<void>
  powerOff(uuid: string): Promise<void>
  /** A hard reboot makes a guest that is not there. */
  reboot(guest: Guest, kind: 'SOFT' | 'HARD'): Promise<void>
  pause(uuid: string): Promise<void>
  unpause(uuid: string): Promise<void>
  suspend(uuid: string): Promise<void>
  resume(uuid: string): Promise<void>
  /** Boots from another image, with the guest's own disk beside it. */
  rescue(uuid: string, imageId: string | null): Promise<void>
  unrescue(uuid: string): Promise<void>
  snapshot(uuid: string): Promise<Snapshot>
  /** Copies the disk of a guest that is powered off to where it goes. */
  moveDisk(uuid: string): Promise<void>
  /** Copies memory until the guest runs elsewhere; resolves with what it was, and leaves it here. */
  moveMemory(uuid: string): Promise<PowerState>
  setAdminPassword(uuid: string, password: string): Promise<void>
  triggerCrashDump(uuid: string): Promise<void>
  attachInterface(uuid: string, vif: VIF): Promise<void>
  detachInterface(uuid: string, portId: string): Promise<void>
  /** `device` is what the guest would call it: `/dev/sdb`. */
  attachVolume(uuid: string, volumeId: string, device: string): Promise<void>
  /** One that is not there is gone already, and so is one of a guest that is not there. */
  detachVolume(uuid: string, volumeId: string): Promise<void>
  /** Copies what is in a volume to another one that takes its place. */
  swapVolume(uuid: string, oldId: string, newId: string): Promise<void>
  /** The volume has grown to so many GiB. */
  extendVolume(uuid: string, volumeId: string, sizeGb: number): Promise<void>
  quiesce(uuid: string): Promise<void>
  unquiesce(uuid: string): Promise<void>
  consoleOutput(uuid: string): Promise<string>
  console(uuid: string, kind: ConsoleKind): Promise<ConsoleAddress>
  /** As each hypervisor has always shown them. */
  diagnostics(uuid: string): Promise<Readonly<Record<string, unknown>>>
  /** In Nova's common form: the fields of a Diagnostics object. */
  standardDiagnostics(uuid: string): Promise<Readonly<Record<string, unknown>>>
  /** Whether it was there already. */
  cacheImage(imageId: string): Promise<boolean>
  uptime(): Promise<string>
  hostPower(action: string): Promise<string>
  maintenance(on: boolean): Promise<string>
  setEnabled(enabled: boolean): Promise<string>
}
