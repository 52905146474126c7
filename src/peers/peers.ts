/** The other services that Nova talks to. */
import type { Keystone } from './keystone.ts'

export interface Peers {
  readonly keystone: Keystone
}
