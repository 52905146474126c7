/** What Neutron refuses to the proxies of its API. */
import { PeerError } from '../../oslo/keystoneauth/errors.ts'
import { neutronText } from '../../peers/neutron.ts'
import { Fault, type FaultKind } from '../faults.ts'

/**
 * Answers of these statuses are refusals in Neutron's words; 403 always is one (nova/network/neutron.py ClientWrapper). Anything else that it does not
 * do is an error of ours.
 */
export async function neutronSays<T>(work: () => Promise<T>, refusals: Readonly<Record<number, FaultKind>> = {}): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof PeerError) || error.status === undefined) throw error
    const kind = refusals[error.status] ?? (error.status === 403 ? 'forbidden' : undefined)
    throw kind ? new Fault(kind, neutronText(error)) : error
  }
}
