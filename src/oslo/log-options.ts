/** oslo.log's options, as far as they are honoured, and those that an operator is told are not. */
import { boolean, choice, group, list, type Settings, text } from './config/options.ts'

const recordFields = '%(asctime)s.%(msecs)03d %(process)d'

/** May stand among the arguments too: `--debug`, `--log-file`, `--log-dir`. */
export const logOptions = group('DEFAULT', {
  debug: boolean('debug', false, { mutable: true, help: 'Log at level DEBUG instead of INFO.' }),
  logFile: text('log_file', null, {
    deprecated: ['logfile'],
    help: 'File to log to. Without one, lines go to standard output or, with use_stderr, standard error.',
  }),
  logDir: text('log_dir', null, { deprecated: ['logdir'], help: 'Directory of log_file; alone, the file is named after the program.' }),
  useStderr: boolean('use_stderr', false, { help: 'Log to standard error.' }),
  dateFormat: text('log_date_format', '%Y-%m-%d %H:%M:%S', { help: 'Form of %(asctime)s.' }),
  contextFormat: text(
    'logging_context_format_string',
    `${recordFields} %(levelname)s %(name)s [%(global_request_id)s %(request_id)s %(user_identity)s] %(instance)s%(message)s`,
    {
      help: 'Form of a line that belongs to a request.',
    },
  ),
  defaultFormat: text('logging_default_format_string', `${recordFields} %(levelname)s %(name)s [-] %(instance)s%(message)s`, {
    help: 'Form of any other line.',
  }),
  // The places of log calls are not known here: unlike oslo.log's, this default is empty.
  debugSuffix: text('logging_debug_format_suffix', '', { help: 'Put behind each line of level DEBUG.' }),
  exceptionPrefix: text('logging_exception_prefix', `${recordFields} ERROR %(name)s %(instance)s`, {
    help: 'Put before each line of a stack trace.',
  }),
  userIdentityFormat: text(
    'logging_user_identity_format',
    '%(user)s %(project)s %(domain)s %(system_scope)s %(user_domain)s %(project_domain)s',
    {
      help: 'Form of %(user_identity)s.',
    },
  ),
  instanceFormat: text('instance_uuid_format', '[instance: %(uuid)s] ', { help: 'Form of %(instance)s.' }),
  levels: list(
    'default_log_levels',
    [
      'amqp=WARN',
      'boto=WARN',
      'sqlalchemy=WARN',
      'suds=INFO',
      'oslo.messaging=INFO',
      'oslo_messaging=INFO',
      'iso8601=WARN',
      'requests.packages.urllib3.connectionpool=WARN',
      'urllib3.connectionpool=WARN',
      'websocket=WARN',
      'requests.packages.urllib3.util.retry=WARN',
      'urllib3.util.retry=WARN',
      'keystonemiddleware=WARN',
      'routes.middleware=WARN',
      'stevedore=WARN',
      'taskflow=WARN',
      'keystoneauth=WARN',
      'oslo.cache=INFO',
      'oslo_policy=INFO',
      'dogpile.core.dogpile=INFO',
      'glanceclient=WARN',
      'oslo.privsep.daemon=INFO',
    ],
    { help: 'Levels of named loggers and those below them, as name=LEVEL.' },
  ),
  useSyslog: boolean('use_syslog', false, { help: 'Not supported.' }),
  useJournal: boolean('use_journal', false, { help: 'Not supported: under systemd, standard output goes to the journal.' }),
  useJson: boolean('use_json', false, { help: 'Write each line as a JSON object.' }),
  configAppend: text('log_config_append', null, { deprecated: ['log_config'], help: 'Not supported: a file of Python logging.' }),
  rotation: choice('log_rotation_type', ['interval', 'size', 'none'], 'none', {
    ignoreCase: true,
    help: 'Only none is supported: a file that was moved away is opened anew.',
  }),
})

export type LogSettings = Settings<typeof logOptions>

/** What an operator asked for and does not get, one sentence each. */
export function unsupported(settings: LogSettings): string[] {
  const asked: [boolean, string][] = [
    [settings.useSyslog, 'use_syslog'],
    [settings.useJournal, 'use_journal'],
    [settings.configAppend !== null, 'log_config_append'],
    [settings.rotation !== 'none', 'log_rotation_type'],
  ]
  return asked.filter(([is]) => is).map(([, name]) => `[DEFAULT] ${name} is not supported and was ignored`)
}
