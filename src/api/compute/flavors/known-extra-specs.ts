/**
 * The extra specs that Nova knows and what their values may be (nova/api/validation/extra_specs). From 2.86 on a wrong value, or an unknown
 * name in a known namespace, is refused.
 */
import { Fault } from '../../../compute/faults.ts'
import { str } from '../../../oslo/python.ts'
import { resourceClasses, traits } from '../../../oslo/resource-names.ts'

type Rule =
  | { readonly is: 'text'; readonly words?: readonly string[]; readonly pattern?: string }
  | { readonly is: 'integer'; readonly min?: number; readonly max?: number }
  | { readonly is: 'boolean' }

const text: Rule = { is: 'text' }
const boolean: Rule = { is: 'boolean' }
const integer = (min?: number, max?: number): Rule => ({
  is: 'integer',
  ...(min !== undefined && { min }),
  ...(max !== undefined && { max }),
})
const words = (...words: string[]): Rule => ({ is: 'text', words })
const like = (pattern: string): Rule => ({ is: 'text', pattern })

const cpus = '\\^?\\d+((-\\d+)?(,\\^?\\d+(-\\d+)?)?)*'
const demanded = words('required', 'forbidden')

/** `{name: rule}` for each of several names. */
const each = (prefix: string, names: string, rule: Rule): Record<string, Rule> =>
  Object.fromEntries(names.split(' ').map((name) => [`${prefix}${name}`, rule]))

/** What VMware limits: quota:cpu_limit and so on. */
const shares = (kind: string): Record<string, Rule> => ({
  [`quota:${kind}_limit`]: integer(0),
  [`quota:${kind}_reservation`]: integer(),
  [`quota:${kind}_shares_level`]: words('custom', 'high', 'normal', 'low'),
  [`quota:${kind}_shares_share`]: integer(0),
})

const named: Readonly<Record<string, Rule>> = {
  hide_hypervisor_id: boolean,
  group_policy: words('isolate', 'none'),
  'accel:device_profile': text,
  ...each(
    'capabilities:',
    'id uuid service_id host vcpus memory_mb local_gb vcpus_used memory_mb_used local_gb_used hypervisor_type hypervisor_version ' +
      'hypervisor_hostname free_ram_mb free_disk_gb current_workload running_vms disk_available_least host_ip mapped cpu_allocation_ratio ' +
      'ram_allocation_ratio disk_allocation_ratio total_usable_ram_mb total_usable_disk_gb disk_mb_used free_disk_mb vcpus_total ' +
      'num_instances num_io_ops failed_builds aggregates cell_uuid updated',
    text,
  ),
  ...each(
    'hw:',
    'cpu_realtime hide_hypervisor_id locked_memory boot_menu vif_multiqueue_enabled mem_encryption pmu virtio_packed_ring ephemeral_encryption',
    boolean,
  ),
  ...each('hw:', 'numa_nodes cpu_sockets cpu_cores cpu_threads cpu_max_sockets cpu_max_cores cpu_max_threads', integer(1)),
  'hw:serial_port_count': integer(0),
  'hw:redirected_usb_ports': integer(0, 15),
  'hw:cpu_realtime_mask': like('(\\^)?\\d+((-\\d+)?(,\\^?\\d+(-\\d+)?)?)*'),
  'hw:cpu_dedicated_mask': like(cpus),
  'hw:mem_page_size': like('(large|small|any|\\d+([kKMGT]i?)?(b|bit|B)?)'),
  'hw:pmem': like('([a-zA-Z0-9_]+(,)?)+'),
  'hw:cpu_policy': words('dedicated', 'shared', 'mixed'),
  'hw:cpu_thread_policy': words('prefer', 'isolate', 'require'),
  'hw:emulator_threads_policy': words('isolate', 'share'),
  'hw:pci_numa_affinity_policy': words('required', 'preferred', 'legacy', 'socket'),
  'hw:mem_encryption_model': words('amd-sev', 'amd-sev-es'),
  'hw:tpm_model': words('tpm-tis', 'tpm-crb'),
  'hw:tpm_version': words('1.2', '2.0'),
  'hw:tpm_secret_security': words('user', 'host', 'deployment'),
  'hw:watchdog_action': words('none', 'pause', 'poweroff', 'reset', 'disabled'),
  'hw:viommu_model': words('intel', 'smmuv3', 'virtio', 'auto'),
  'hw:sound_model': words('sb16', 'es1370', 'pcspk', 'ac97', 'ich6', 'ich9', 'usb', 'virtio'),
  'hw:usb_model': words('none', 'nec-xhci', 'qemu-xhci'),
  'hw:ephemeral_encryption_format': words('plain', 'luks', 'luksv2'),
  'hw_rng:allowed': boolean,
  ...each('hw_rng:', 'rate_bytes rate_period', integer(0)),
  'hw_video:ram_max_mb': integer(0),
  'os:secure_boot': words('disabled', 'required'),
  'pci_passthrough:alias': like('[^:]+:\\d+(?:\\s*,\\s*[^:]+:\\d+)*'),
  ...shares('cpu'),
  ...shares('memory'),
  ...shares('disk_io'),
  ...shares('vif'),
  'quota:cpu_quota': integer(),
  ...each(
    'quota:',
    'cpu_shares cpu_period disk_read_bytes_sec disk_read_iops_sec disk_write_bytes_sec disk_write_iops_sec disk_total_bytes_sec ' +
      'disk_total_iops_sec vif_inbound_average vif_inbound_peak vif_inbound_burst vif_outbound_average vif_outbound_peak vif_outbound_burst',
    integer(0),
  ),
  'vmware:hw_version': text,
  'vmware:storage_policy': text,
}

const group = '[a-zA-Z0-9_-]{0,64}'

/** Names with a part of the caller's. */
const patterned: readonly [RegExp, Rule][] = [
  [/^aggregate_instance_extra_specs:.+$/, text],
  [
    /^capabilities:(cpu_info|metrics|stats|numa_topology|supported_hv_specs|pci_device_pools|nodename|pci_stats|supported_instances|limits|instances)(:\w+)*$/,
    text,
  ],
  [/^hw:numa_cpus\.\d+$/, like(cpus)],
  [/^hw:numa_mem\.\d+$/, integer(1)],
  [new RegExp(`^resources${group}:(${resourceClasses.join('|')}|CUSTOM_[A-Z0-9_]+)$`), integer()],
  [new RegExp(`^trait${group}:CUSTOM_[A-Z0-9_]+$`), demanded],
]

const trait = new RegExp(`^trait${group}:(.*)$`)
const namespaces = new RegExp(
  `^(accel|aggregate_instance_extra_specs|capabilities|hw|hw_rng|hw_video|os|pci_passthrough|quota|resources${group}|trait${group}|vmware)$`,
)

/** Throws a `Fault` when Nova knows the name and the value is wrong, or knows its namespace and not the name. */
export function checkExtraSpec(name: string, value: unknown): void {
  const rule = ruleOf(name)
  if (rule) checkValue(rule, str(value))
  else if (name.includes(':') && namespaces.test(name.split(':', 1)[0]!))
    throw new Fault('invalid', `Validation failed; extra spec '${name}' does not appear to be a valid extra spec.`)
}

function ruleOf(name: string): Rule | undefined {
  if (Object.hasOwn(named, name)) return named[name]
  if (traits.has(trait.exec(name)?.[1] ?? '')) return demanded
  return patterned.find(([pattern]) => pattern.test(name))?.[1]
}

function checkValue(rule: Rule, value: string): void {
  const refuse = (why: string) => {
    throw new Fault('invalid', `Validation failed; '${value}' ${why}`)
  }
  if (rule.is === 'boolean') {
    if (!/^(1|t|true|on|y|yes|0|f|false|off|n|no)$/i.test(value.trim())) refuse('is not a valid boolean-like value.')
  } else if (rule.is === 'integer') {
    if (!/^\s*[+-]?\d+(_\d+)*\s*$/.test(value)) refuse('is not a valid integer value.')
    const number = Number(value.replaceAll('_', ''))
    if (rule.max !== undefined && rule.max < number) refuse(`is greater than the max value of '${rule.max}'.`)
    if (rule.min !== undefined && rule.min > number) refuse(`is less than the min value of '${rule.min}'.`)
  } else if (rule.pattern !== undefined) {
    if (!new RegExp(`^(?:${rule.pattern})$`).test(value)) refuse(`is not of the format '${rule.pattern}'.`)
  } else if (rule.words && !rule.words.includes(value)) refuse(`is not one of: ${rule.words.join(', ')}.`)
}
