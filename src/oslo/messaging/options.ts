/** What the RPC layer reads from nova.conf. */
import { boolean, group, integer, text } from '../config/options.ts'

export const messagingOptions = group('DEFAULT', {
  transportUrl: text('transport_url', 'rabbit://', {
    help: 'The broker: rabbit://user:password@host:port,host:port/vhost, or local:///path/to/socket.',
    secret: true,
  }),
  controlExchange: text('control_exchange', 'nova', { help: 'The exchange of topics.' }),
  rpcResponseTimeout: integer('rpc_response_timeout', 60, { min: 1, help: 'Seconds to wait for the answer to a call.' }),
  rpcPingEnabled: boolean('rpc_ping_enabled', false, { help: 'Answer oslo_rpc_server_ping.' }),
})
