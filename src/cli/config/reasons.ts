/** Why options of Nova that are not read here may stay as they are, and which of them make a difference. */

/** Who reads the options of a group; for groups of which nothing, or not everything, is read here. */
const readers: Readonly<Record<string, string>> = {
  DEFAULT: 'for nova-compute, nova-conductor, nova-scheduler or the console proxies',
  api: 'tunes what is done in another way here: all cells are asked at once, answers are checked by tests',
  barbican: 'keys are fetched by nova-compute',
  barbican_service_user: 'keys are fetched by nova-compute',
  cache: 'tunes clients that are made in another way here, or caches that are not used',
  cinder: 'tunes the session of keystoneauth; the connection is made without it',
  compute: 'for nova-compute',
  conductor: 'for nova-conductor',
  console: 'for the console proxies',
  consoleauth: 'for the console proxies',
  cyborg: 'accelerators are bound by nova-conductor and nova-compute',
  database: 'tunes SQLAlchemy; a database that is away is tried again while requests come',
  api_database: 'tunes SQLAlchemy; a database that is away is tried again while requests come',
  devices: 'for nova-compute',
  ephemeral_storage_encryption: 'for nova-compute',
  filter_scheduler: 'for nova-scheduler',
  glance: 'for nova-compute, which fetches images',
  guestfs: 'for nova-compute',
  image_cache: 'for nova-compute',
  ironic: 'for nova-compute',
  key_manager: 'keys are fetched by nova-compute',
  libvirt: 'for nova-compute',
  manila: 'tunes the session of keystoneauth; the connection is made without it',
  metrics: 'for nova-scheduler',
  mks: 'for nova-compute',
  neutron: 'tunes the session of keystoneauth, or is for nova-compute',
  oslo_concurrency: 'locks between processes of Nova; none are needed here',
  oslo_messaging_kafka: 'for a transport that is not used',
  oslo_middleware_tracing: 'tracing is switched on by OpenTelemetry’s own variables',
  oslo_reports: 'reports of Python processes',
  pci: 'for nova-compute',
  placement: 'tunes the session of keystoneauth; the connection is made without it',
  scheduler: 'for nova-scheduler',
  serial_console: 'for nova-compute and nova-serialproxy',
  spice: 'for nova-compute and nova-spicehtml5proxy',
  // nova/conductor/rpcapi.py: `conductor` pins ConductorAPI, not the ComputeTaskAPI that an API has
  upgrade_levels: 'for messages that an API does not send',
  vault: 'keys are fetched by nova-compute',
  vmware: 'for nova-compute',
  vnc: 'for nova-compute and nova-novncproxy',
  workarounds: 'for nova-compute',
  wsgi: 'the paste file is the first of OS_NOVA_CONFIG_FILES',
  zvm: 'for nova-compute',
}

interface Difference {
  readonly why: string
  /** Values with which there is none. */
  readonly unless: RegExp
}

const off = /^(false|0|no|off)$/i

/** Options that Nova's API does read, and what is other here. */
const differences: Readonly<Record<string, Difference>> = {
  'DEFAULT/servicegroup_driver': { why: 'services are up when the database says so; memcached is not asked', unless: /^db$/ },
  'DEFAULT/osapi_compute_unique_server_name_scope': { why: 'a new name for a server is not compared with others', unless: /^$/ },
  'database/synchronous_reader': {
    why: 'cells are read from their own databases, only nova_api from its copy',
    unless: /^(true|1|yes|on)$/i,
  },
  'ephemeral_storage_encryption/enabled': { why: 'no key is made for the local disks of new servers: they are not encrypted', unless: off },
}

/** Why an option of Nova that is not read here can stay as it is. */
export const reasonOf = (group: string): string => readers[group] ?? 'not needed by an API'

/** What is other than in Nova's API because of an option that is not read here. */
export function differenceOf(group: string, name: string, value: string): string | undefined {
  const found = differences[`${group}/${name}`]
  return found && !found.unless.test(value.trim()) ? found.why : undefined
}
