/** tempest.conf for an embedded cloud: where it is, what it holds, and what its simulated hosts can do. */
import type { TestCloud } from './cloud.ts'

export function tempestConf({ variables, image, secondImage, publicNetwork }: TestCloud, folder: string): string {
  const region = variables.OS_REGION_NAME!
  const sections: Record<string, Record<string, string | number | boolean>> = {
    DEFAULT: { log_file: `${folder}/tempest.log`, debug: false },
    oslo_concurrency: { lock_path: `${folder}/lock` },
    auth: {
      use_dynamic_credentials: true,
      admin_username: variables.OS_USERNAME!,
      admin_password: variables.OS_PASSWORD!,
      admin_project_name: variables.OS_PROJECT_NAME!,
      admin_domain_name: 'Default',
      default_credentials_domain_name: 'Default',
      create_isolated_networks: true,
      tempest_roles: 'member',
    },
    identity: { auth_version: 'v3', uri_v3: variables.OS_AUTH_URL!, region, admin_role: 'admin' },
    'identity-feature-enabled': { api_v3: true },
    compute: {
      region,
      image_ref: image,
      image_ref_alt: secondImage,
      flavor_ref: 1,
      flavor_ref_alt: 2,
      fixed_network_name: 'shared',
      min_compute_nodes: 2,
      min_microversion: '2.1',
      max_microversion: '2.103',
      build_timeout: 120,
      build_interval: 1,
      hypervisor_type: 'fake',
    },
    'compute-feature-enabled': {
      resize: true,
      cold_migration: true,
      live_migration: true,
      live_migrate_back_and_forth: true,
      block_migration_for_live_migration: true,
      volume_backed_live_migration: true,
      volume_multiattach: true,
      change_password: true,
      personality: true,
      shelve_migrate: true,
      snapshot: true,
      // no console proxies, no encryption, no guests
      vnc_console: false,
      spice_console: false,
      serial_console: false,
      attach_encrypted_volume: false,
      stable_rescue: true,
      swap_volume: true,
      nova_policy_roles: 'admin,manager,member,reader',
    },
    network: {
      region,
      public_network_id: publicNetwork,
      floating_network_name: 'public',
      project_network_cidr: '10.100.0.0/16',
      project_network_mask_bits: 28,
    },
    'network-feature-enabled': { ipv6: true, api_extensions: 'all' },
    image: { region },
    placement: { region },
    volume: {
      region,
      volume_type: 'peer',
      volume_type_multiattach: 'multi',
      storage_protocol: 'fake',
      build_timeout: 120,
      min_microversion: '3.0',
      max_microversion: '3.71',
    },
    'volume-feature-enabled': { backup: false },
    validation: { run_validation: false, connect_method: 'fixed' },
    service_available: { nova: true, neutron: true, glance: true, cinder: true, swift: false, horizon: false },
    enforce_scope: { nova: true },
  }
  return Object.entries(sections)
    .map(
      ([name, options]) =>
        `[${name}]\n${Object.entries(options)
          .map(([option, value]) => `${option} = ${value}\n`)
          .join('')}`,
    )
    .join('')
}
