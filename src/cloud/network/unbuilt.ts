/** What Neutron has and this service does not: it answers 501 and says so, so that nobody takes silence for an empty cloud. */
import type { Call } from '../service.ts'
import { fault, notBuilt } from './faults.ts'

const collections = new Map(
  Object.entries({
    bgp: 'BGP',
    'bgp-peers': 'BGP',
    'bgp-speakers': 'BGP',
    bgpvpn: 'BGP VPNs',
    flavors: 'service flavors',
    service_profiles: 'service flavors',
    fwaas: 'firewalls',
    lbaas: 'load balancers',
    local_ips: 'local IPs',
    log: 'packet logging',
    metering: 'metering',
    'metering-labels': 'metering',
    'metering-label-rules': 'metering',
    ndp_proxies: 'NDP proxies',
    'network-segment-ranges': 'network segment ranges',
    network_segment_ranges: 'network segment ranges',
    qos: 'QoS',
    policies: 'QoS',
    segments: 'segments',
    sfc: 'service function chaining',
    taas: 'traffic mirroring',
    trunks: 'trunks',
    vpn: 'VPNs',
    'dhcp-networks': 'agent schedulers',
    'l3-routers': 'agent schedulers',
  }),
)

const members = new Map(
  Object.entries({
    'dhcp-agents': 'agent schedulers',
    'l3-agents': 'agent schedulers',
    'dhcp-networks': 'agent schedulers',
    'l3-routers': 'agent schedulers',
    port_forwardings: 'port forwarding',
    conntrack_helpers: 'connection tracking helpers',
    add_external_gateways: 'several external gateways',
    update_external_gateways: 'several external gateways',
    remove_external_gateways: 'several external gateways',
    onboard_network_subnets: 'subnet onboarding',
    mac_address_regenerate: 'MAC regeneration',
  }),
)

/** For paths that no route takes: 501 for what Neutron could do, 404 for the rest. */
export function otherwise({ request }: Call): never {
  const [version, collection = '', , member = ''] = request.path.split('/').slice(1)
  const what = version === 'v2.0' ? (members.get(member) ?? collections.get(collection)) : undefined
  throw what ? notBuilt(what) : fault('HTTPNotFound')
}
