/** Where messages within the cell go, with the versions that Nova 33 speaks. */
import type { Target } from '../../oslo/messaging/rpc-client.ts'

/** nova/compute/rpcapi.py */
export const compute = (host: string): Target => ({ topic: 'compute', server: host, version: '6.0' })
/** The same service on a topic of its own, for what one host asks of another. */
export const computeAlt = (host: string): Target => ({ topic: 'compute-alt', server: host, version: '6.0' })
/** nova/conductor/rpcapi.py */
export const computeTask = (version: string): Target => ({ topic: 'conductor', namespace: 'compute_task', version })
