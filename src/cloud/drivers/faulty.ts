/** A hypervisor whose actions can be made to fail or to take long. */
import type { Guest, Hypervisor } from './hypervisor.ts'

/** What is done with a guest, in the words that people use for it. */
const words = {
  spawn: 'spawn',
  destroy: 'destroy',
  powerOn: 'power-on',
  powerOff: 'power-off',
  reboot: 'reboot',
  pause: 'pause',
  unpause: 'unpause',
  suspend: 'suspend',
  resume: 'resume',
  rescue: 'rescue',
  unrescue: 'unrescue',
  snapshot: 'snapshot',
  moveDisk: 'migrate',
  moveMemory: 'live-migrate',
  setAdminPassword: 'set-password',
  attachInterface: 'attach-interface',
  detachInterface: 'detach-interface',
  attachVolume: 'attach-volume',
  detachVolume: 'detach-volume',
  swapVolume: 'swap-volume',
  extendVolume: 'extend-volume',
  consoleOutput: 'console-output',
} as const satisfies Partial<Record<keyof Hypervisor, string>>

export type GuestAction = (typeof words)[keyof typeof words]

export const guestActions: readonly GuestAction[] = Object.values(words)

/** Before each action `meet` is waited for; what it throws is what became of the action. */
export function faulty(hypervisor: Hypervisor, meet: (action: GuestAction, uuid: string) => Promise<void>): Hypervisor {
  const wrap = ([method, action]: [string, GuestAction]) => {
    const act = hypervisor[method as keyof Hypervisor] as (...args: unknown[]) => Promise<unknown>
    const wrapped = async (guest: string | Guest, ...args: unknown[]) => {
      await meet(action, typeof guest === 'string' ? guest : guest.uuid)
      return act(guest, ...args)
    }
    return [method, wrapped]
  }
  return { ...hypervisor, ...Object.fromEntries(Object.entries(words).map(wrap)) }
}
