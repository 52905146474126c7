/** The options of nova.conf that decide what the cloud does. */
import { hostname } from 'node:os'
import { boolean, choice, group, integer, list, multi, type Settings, text } from '../oslo/config/options.ts'

export const apiOptions = group('api', {
  maxLimit: integer('max_limit', 1000, {
    min: 0,
    help: 'Most items one page may hold.',
    deprecated: ['DEFAULT/osapi_max_limit'],
  }),
  computeLinkPrefix: text('compute_link_prefix', null, {
    help: 'Replaces scheme and host in links to compute resources.',
    deprecated: ['DEFAULT/osapi_compute_link_prefix'],
  }),
  glanceLinkPrefix: text('glance_link_prefix', null, {
    help: 'Replaces scheme and host in links to images.',
    deprecated: ['DEFAULT/osapi_glance_link_prefix'],
  }),
  instanceListPerProjectCells: boolean('instance_list_per_project_cells', false, {
    help: 'Ask only the cells in which a project has servers; worth it with many cells.',
  }),
  listRecordsBySkippingDownCells: boolean('list_records_by_skipping_down_cells', true, {
    help: 'Leave out servers of cells that do not answer; otherwise lists fail.',
  }),
  enableInstancePassword: boolean('enable_instance_password', true, {
    help: 'Tell the admin password of new and rebuilt servers.',
    deprecated: ['DEFAULT/enable_instance_password'],
  }),
})

export const computeOptions = group('DEFAULT', {
  defaultAvailabilityZone: text('default_availability_zone', 'nova', { help: 'Zone of hosts that are in no other.' }),
  internalServiceAvailabilityZone: text('internal_service_availability_zone', 'internal', {
    help: 'Zone of services that run no servers.',
  }),
  instanceNameTemplate: text('instance_name_template', 'instance-%08x', {
    help: "Name of a server on its hypervisor; the server's id fills it.",
  }),
  defaultScheduleZone: text('default_schedule_zone', null, { help: 'Zone of new servers for which none is asked; any when unset.' }),
  passwordLength: integer('password_length', 12, { min: 0, help: 'How long admin passwords are that we make up.' }),
  maxLocalBlockDevices: integer('max_local_block_devices', 3, {
    help: 'Most disks a server may have on its host; -1 is no limit, 0 allows servers on volumes only.',
  }),
  defaultEphemeralFormat: text('default_ephemeral_format', null, { help: 'File system of ephemeral disks for which none is asked.' }),
  host: text('host', null, { help: 'Name of this host; its host name when unset.' }),
  rpcResponseTimeout: integer('rpc_response_timeout', 60, { min: 1, help: 'Seconds to wait for the answer to a call.' }),
  longRpcTimeout: integer('long_rpc_timeout', 1800, { help: 'Seconds to wait for the answer to a call that takes long.' }),
  reclaimInstanceInterval: integer('reclaim_instance_interval', 0, {
    help: 'Seconds for which a deleted server can be restored; 0 deletes at once.',
  }),
  allowResizeToSameHost: boolean('allow_resize_to_same_host', false, { help: 'A resize may end on the host where it began.' }),
  nonInheritableImageProperties: list('non_inheritable_image_properties', ['cache_in_nova', 'bittorrent'], {
    help: 'Properties that the image of a server does not take over from the image it was made from.',
  }),
  instanceUsageAuditPeriod: text('instance_usage_audit_period', 'month', {
    pattern: /^(hour|month|day|year)(@([0-9]+))?$/,
    help: 'For how long each account of what servers used is; `day@18` begins at 18:00 UTC, `month@15` on the 15th.',
  }),
  serviceDownTime: integer('service_down_time', 60, { min: 0, help: 'Seconds without a report after which a service counts as down.' }),
})

const limit = (name: string, initial: number, help: string) =>
  integer(name, initial, { min: -1, help: `${help} -1 is no limit.`, deprecated: [`DEFAULT/quota_${name}`] })

/** What this host is called in records and notifications. */
export const ownHost = ({ host }: { readonly host: string | null }): string => host ?? hostname()

export const quotaOptions = group('quota', {
  instances: limit('instances', 10, 'Servers of a project.'),
  cores: limit('cores', 20, 'Processors of all its servers.'),
  ram: limit('ram', 51_200, 'MiB of memory of all its servers.'),
  metadataItems: limit('metadata_items', 128, 'Pairs in the metadata of a server.'),
  injectedFiles: limit('injected_files', 5, 'Files put into a new server.'),
  injectedFileContentBytes: limit('injected_file_content_bytes', 10_240, 'Length of such a file as it is sent.'),
  injectedFilePathLength: limit('injected_file_path_length', 255, 'Length of the path of such a file.'),
  keyPairs: limit('key_pairs', 100, 'Key pairs of a user.'),
  serverGroups: limit('server_groups', 10, 'Server groups of a project.'),
  serverGroupMembers: limit('server_group_members', 10, 'Servers in a group.'),
  driver: choice(
    'driver',
    ['nova.quota.DbQuotaDriver', 'nova.quota.NoopQuotaDriver', 'nova.quota.UnifiedLimitsDriver'],
    'nova.quota.DbQuotaDriver',
    { help: 'Where limits are kept: in the database, nowhere, so that there are none, or in Keystone.' },
  ),
  unifiedLimitsResourceStrategy: choice('unified_limits_resource_strategy', ['require', 'ignore'], 'require', {
    help: 'With limits in Keystone: whether those in the list must be registered there, or need not be while all others must.',
  }),
  unifiedLimitsResourceList: list('unified_limits_resource_list', ['servers'], {
    help: 'The resources that this is about: `servers`, `class:VCPU` and other classes of Placement, `server_key_pairs` and so on.',
  }),
  recheckQuota: boolean('recheck_quota', true, {
    help: 'Count again once something was made, so that requests which come together cannot exceed a limit.',
  }),
  countUsageFromPlacement: boolean('count_usage_from_placement', false, {
    help: 'Ask Placement for processors and memory in use instead of the cells.',
  }),
})

export const limitsWorkarounds = group('workarounds', {
  unifiedLimitsCountPcpuAsVcpu: boolean('unified_limits_count_pcpu_as_vcpu', false, {
    help: 'With limits in Keystone: count dedicated processors among `class:VCPU`.',
  }),
})

export const cinderOptions = group('cinder', {
  crossAzAttach: boolean('cross_az_attach', true, { help: 'Let servers have volumes of another availability zone.' }),
})

export const neutronOptions = group('neutron', {
  defaultFloatingPool: text('default_floating_pool', 'nova', {
    help: 'External network of floating addresses for which no pool is asked.',
  }),
})

export const glanceOptions = group('glance', {
  verifyGlanceSignatures: boolean('verify_glance_signatures', false, { help: 'Computes verify the signatures of images.' }),
  enableCertificateValidation: boolean('enable_certificate_validation', false, {
    help: 'Computes verify the certificates that sign images as well.',
  }),
  defaultTrustedCertificateIds: list('default_trusted_certificate_ids', [], {
    help: 'Certificates that servers trust when they are asked for without any.',
  }),
})

export const pciOptions = group('pci', {
  alias: multi('alias', [], {
    help: 'A kind of PCI device under a name for flavors, as JSON.',
    deprecated: ['DEFAULT/pci_alias'],
  }),
})

export const filterSchedulerOptions = group('filter_scheduler', {
  pciInPlacement: boolean('pci_in_placement', false, { help: 'PCI devices of flavors are found through Placement.' }),
})

export interface ComputeSettings {
  readonly compute: Settings<typeof computeOptions>
  readonly api: Settings<typeof apiOptions>
  readonly quota: Settings<typeof quotaOptions>
  readonly workarounds: Settings<typeof limitsWorkarounds>
  readonly cinder: Settings<typeof cinderOptions>
  readonly glance: Settings<typeof glanceOptions>
  readonly neutron: Settings<typeof neutronOptions>
  readonly pci: Settings<typeof pciOptions>
  readonly filterScheduler: Settings<typeof filterSchedulerOptions>
}
