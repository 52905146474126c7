/** Binds the sockets of a host before anybody serves on them, so that processes can share them and none is lost while they come and go. */
import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs'
import net from 'node:net'
import { type Address, addressText, BadAddress } from './address.ts'
import { ownerOf } from './privileges.ts'

export interface Bound {
  /** Of this process. Whoever listens on it listens for all that share it. */
  readonly fd: number
  /** With the port that was given where 0 was asked for. */
  readonly address: Address
  /** Gives it up, and removes the file of a UNIX socket that was made here. */
  close(): void
}

export interface BindOptions {
  /** Permissions of the file of a UNIX socket. */
  readonly mode?: number | null
  /** `user:group` of it. */
  readonly owner?: string | null
  /** How many sockets systemd handed over. */
  readonly inherited: number
}

/** Descriptors that systemd hands over begin here (sd_listen_fds). */
const firstInherited = 3

interface RawBound {
  address(): { address: string; port: number } | string
  fd(): number
  close(): void
}
// The types know the path only from Node 26 on; 24.21 takes it.
type RawBoundSocket = new (options: { host?: string; port?: number; path?: string; ipv6Only?: boolean }) => RawBound

/** Throws `BadAddress` when it is taken, cannot be had, or this Node is too old to share sockets. */
export async function bind(address: Address, { mode = null, owner = null, inherited }: BindOptions): Promise<Bound> {
  if (address.kind === 'systemd') {
    if (address.index >= inherited) throw new BadAddress(`systemd:${address.index}: systemd handed over ${inherited} sockets`)
    return { fd: firstInherited + address.index, address, close: () => undefined }
  }
  const BoundSocket = (net as unknown as { BoundSocket?: RawBoundSocket }).BoundSocket
  if (!BoundSocket || (address.kind === 'unix' && !('isPipe' in BoundSocket.prototype)))
    throw new BadAddress(`Node ${process.versions.node} cannot share sockets among processes: 24.21 or later can`)
  if (address.kind === 'unix') return bindUnix(BoundSocket, address.path, mode, owner)
  const bound = attempt(address, () => new BoundSocket({ host: address.host, port: address.port }))
  const { port } = bound.address() as { port: number }
  return { fd: bound.fd(), address: { ...address, port }, close: () => bound.close() }
}

async function bindUnix(BoundSocket: RawBoundSocket, path: string, mode: number | null, owner: string | null): Promise<Bound> {
  const address: Address = { kind: 'unix', path }
  if (path.startsWith('@')) {
    const bound = attempt(address, () => new BoundSocket({ path: `\0${path.slice(1)}` }))
    return { fd: bound.fd(), address, close: () => bound.close() }
  }
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) {
    if (await answers(path)) throw new BadAddress(`${path} is in use by another process`)
    unlinkSync(path)
  }
  const bound = attempt(address, () => new BoundSocket({ path }))
  if (mode !== null) chmodSync(path, mode)
  if (owner !== null) give(path, owner)
  return {
    fd: bound.fd(),
    address,
    close() {
      bound.close()
      try {
        unlinkSync(path)
      } catch {
        // gone already
      }
    },
  }
}

function give(path: string, owner: string): void {
  try {
    const { uid, gid } = ownerOf(owner)
    chownSync(path, uid, gid)
  } catch (error) {
    unlinkSync(path)
    throw new BadAddress(`${path} cannot be given to ${owner}: ${(error as Error).message}`, { cause: error })
  }
}

/** Whether somebody listens there: what a process that was killed left behind may be removed. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

function attempt<T>(address: Address, act: () => T): T {
  try {
    return act()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'EADDRINUSE' ? 'is in use' : code === 'EACCES' ? 'may not be used by this user' : message
    throw new BadAddress(`${addressText(address)} ${why}`, { cause: error })
  }
}
