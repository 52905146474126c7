/** The services of an operator that add to what guests are told: [api] vendordata_dynamic_targets. */
import type { Auth } from '../oslo/keystoneauth/auth.ts'
import type { SessionSettings } from '../oslo/keystoneauth/options.ts'
import { createSession } from '../oslo/keystoneauth/session.ts'
import type { Log } from '../oslo/log.ts'

export interface VendordataServices {
  /** What a service says to these facts; an empty object when it says nothing. Rejects with a `PeerError`, or a `TypeError` for an address that is none. */
  ask(url: string, facts: object): Promise<unknown>
  close(): Promise<void>
}

export interface VendordataParts {
  /** Who asks; nobody when null. */
  readonly auth: Auth | null
  readonly connectSeconds: number
  readonly readSeconds: number
  /** Authorities as PEM; those of the system when empty. */
  readonly cafile: string
  readonly log: Pick<Log, 'warning'>
}

/** nova/api/metadata/vendordata_dynamic.py: of the group's session options, these replace what is said about time and trust. */
export function vendordataServices(
  settings: SessionSettings,
  { auth, connectSeconds, readSeconds, cafile, log }: VendordataParts,
): VendordataServices {
  const session = createSession({ settings: { ...settings, timeout: connectSeconds, insecure: false, cafile: cafile || null }, log })
  const asking = session.with({
    method: 'POST',
    auth,
    headers: { 'User-Agent': 'openstack-nova-vendordata' },
    timeoutMs: (connectSeconds + readSeconds) * 1000,
  })
  return {
    async ask(url, facts) {
      const answer = await asking.request({ url, json: facts })
      return answer.body.length === 0 ? {} : answer.json()
    },
    close: () => session.close(),
  }
}
