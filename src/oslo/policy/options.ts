/** The [oslo_policy] options of nova.conf. */
import { boolean, choice, float, group, multi, type Settings, text } from '../config/options.ts'

export const policyOptions = group('oslo_policy', {
  enforceScope: boolean('enforce_scope', true, {
    help: 'Refuse a token whose scope (system, domain, project) is not among those a rule is meant for. If false, such a use is only logged.',
  }),
  enforceNewDefaults: boolean('enforce_new_defaults', true, {
    help: 'Use the new defaults alone. If false, what the older default of a rule allowed is still allowed.',
  }),
  policyFile: text('policy_file', 'policy.yaml', {
    help: 'File with the rules that differ from the defaults. A relative path is looked for in the configuration directories.',
  }),
  policyDefaultRule: text('policy_default_rule', 'default', { help: 'The rule that stands in for one that does not exist.' }),
  policyDirs: multi('policy_dirs', ['policy.d'], {
    help: 'Directories with further policy files, read in the order of their names. Those that do not exist are passed over.',
  }),
  remoteContentType: choice(
    'remote_content_type',
    ['application/x-www-form-urlencoded', 'application/json'],
    'application/x-www-form-urlencoded',
    { help: 'How http: and https: checks send their question.' },
  ),
  remoteVerify: boolean('remote_ssl_verify_server_crt', false, { help: 'Verify the certificate of the server that https: checks ask.' }),
  remoteCaFile: text('remote_ssl_ca_crt_file', null, { help: 'Authority that signs the certificate of that server.' }),
  remoteCertFile: text('remote_ssl_client_crt_file', null, { help: 'Certificate that https: checks present.' }),
  remoteKeyFile: text('remote_ssl_client_key_file', null, { help: 'Key of that certificate.' }),
  remoteTimeout: float('remote_timeout', 60, { min: 0, help: 'Seconds that http: and https: checks wait for an answer.' }),
})

export type PolicySettings = Settings<typeof policyOptions>
