/** How the API reaches the rest of Nova: the conductor of all cells, and the services of one cell. */
import type { RpcClient } from '../oslo/messaging/rpc-client.ts'
import type { Pin } from './rpc/pin.ts'

export interface Rpc {
  /** Over [DEFAULT] transport_url: the conductor that chooses cells. */
  readonly top: RpcClient
  /** Over a cell's own transport. */
  cell(cellId: number): Promise<RpcClient>
  /** How new messages to computes may be; not bounded when absent. */
  readonly computePin?: () => Promise<Pin>
  close(): Promise<void>
}
