/** Servers in front of our host: Apache, nginx and HAProxy, as deployments of OpenStack configure them. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Host, Setting } from './hosts.ts'
import { start } from './processes.ts'

const modules = '/usr/lib/apache2/modules'

/** What every Apache needs, then `lines`. */
export function apacheConfiguration({ folder, port }: Setting, loaded: readonly string[], lines: string): string {
  const file = join(folder, 'apache.conf')
  const load = ['mpm_event', 'authz_core', 'env', ...loaded].map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`)
  writeFileSync(
    file,
    `ServerRoot ${folder}
ServerName nova.example
PidFile ${folder}/apache.pid
DefaultRuntimeDir ${folder}
Listen 127.0.0.1:${port}
User www-data
Group www-data
ErrorLog ${folder}/apache-error.log
LogLevel warn
ServerLimit 2
StartServers 1
LimitRequestFieldSize 16380
${load.join('\n')}
${lines}
`,
  )
  return file
}

const apache = (setting: Setting, file: string, name: string) =>
  start(['/usr/sbin/apache2', '-f', file, '-D', 'FOREGROUND'], { port: setting.port }, { folder: setting.folder, name })

const noEncodedSlash = { 'the path /a%2Fb': 'Apache refuses %2F in a path unless AllowEncodedSlashes is set' }
export const apacheJoins = { 'two Vary headers': 'Apache joins headers of one name' }
const noLength = 'mod_proxy_uwsgi wants a length (411), as DevStack notes too'
const apacheHidesAborts = { 'a client that goes away is noticed': 'Apache notices that a client is gone when it writes to it' }

export const proxies: readonly Host[] = [
  {
    name: 'Apache mod_proxy_uwsgi',
    needs: ['/usr/sbin/apache2', `${modules}/mod_proxy_uwsgi.so`],
    async start(setting) {
      // the two lines that DevStack writes
      const lines = `SetEnv proxy-sendcl 1
ProxyPass "/compute" "unix:${setting.own.uwsgi}|uwsgi://uwsgi-uds-nova-api/" retry=0`
      const file = apacheConfiguration(setting, ['proxy', 'proxy_uwsgi'], lines)
      return {
        running: [await apache(setting, file, 'apache-uwsgi')],
        target: {
          port: setting.port,
          prefix: '/compute',
          except: {
            ...noEncodedSlash,
            ...apacheJoins,
            ...apacheHidesAborts,
            'the path /a//b': 'Apache makes one of two slashes unless MergeSlashes is off',
            'a chunked body': noLength,
            'a chunked body with extensions and a trailer': noLength,
          },
        },
      }
    },
  },
  {
    name: 'Apache mod_proxy_http',
    needs: ['/usr/sbin/apache2', `${modules}/mod_proxy_http.so`],
    async start(setting) {
      const lines = `AllowEncodedSlashes NoDecode
MergeSlashes Off
ProxyPreserveHost On
ProxyPass "/" "http://127.0.0.1:${setting.own.http}/" retry=0 nocanon`
      const file = apacheConfiguration(setting, ['proxy', 'proxy_http'], lines)
      return {
        running: [await apache(setting, file, 'apache-http')],
        target: { port: setting.port, except: { ...apacheJoins, ...apacheHidesAborts } },
      }
    },
  },
  {
    name: 'nginx uwsgi_pass',
    needs: ['/usr/sbin/nginx'],
    start: (setting) =>
      nginx(
        setting,
        'nginx-uwsgi',
        `location /compute { uwsgi_param SCRIPT_NAME /compute; uwsgi_pass unix:${setting.own.uwsgi};
${[
  'QUERY_STRING $query_string',
  'REQUEST_METHOD $request_method',
  'CONTENT_TYPE $content_type',
  'CONTENT_LENGTH $content_length',
  'REQUEST_URI $request_uri',
  'PATH_INFO $document_uri',
  'SERVER_PROTOCOL $server_protocol',
  'REQUEST_SCHEME $scheme',
  'HTTPS $https if_not_empty',
  'REMOTE_ADDR $remote_addr',
]
  .map((line) => `uwsgi_param ${line};`)
  .join('\n')}
}`,
        '',
        '/compute',
      ),
  },
  {
    name: 'nginx proxy_pass',
    needs: ['/usr/sbin/nginx'],
    start: (setting) =>
      nginx(
        setting,
        'nginx-http',
        `location / { proxy_pass http://own; proxy_http_version 1.1; proxy_set_header Host $asked_host; proxy_set_header Connection ""; }`,
        `upstream own { server 127.0.0.1:${setting.own.http}; keepalive 8; }
map $http_host $asked_host { default $http_host; '' $host; }`,
      ),
  },
  {
    name: 'HAProxy, checks with HEAD /',
    needs: ['/usr/sbin/haproxy'],
    async start(setting) {
      const file = join(setting.folder, 'haproxy.cfg')
      writeFileSync(
        file,
        `global
  maxconn 200
  tune.bufsize 32768
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend nova
  bind 127.0.0.1:${setting.port}
  default_backend nova
backend nova
  option httpchk
  http-check send meth HEAD uri / ver HTTP/1.1 hdr Host haproxy hdr User-Agent osa-haproxy-healthcheck
  retry-on conn-failure empty-response
  retries 3
  server own 127.0.0.1:${setting.own.http} check inter 300ms
`,
      )
      const running = await start(
        ['/usr/sbin/haproxy', '-f', file, '-db'],
        { port: setting.port },
        { folder: setting.folder, name: 'haproxy', signal: 'SIGINT' },
      )
      return {
        running: [running],
        target: {
          port: setting.port,
          except: { 'a client that goes away is noticed': 'HAProxy waits for the answer of a request that it has handed over' },
        },
      }
    },
  },
]

async function nginx(setting: Setting, name: string, location: string, before = '', prefix = '') {
  const file = join(setting.folder, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'uwsgi', 'fastcgi', 'scgi'].map((kind) => `${kind}_temp_path ${setting.folder}/${kind};`)
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${setting.folder}/nginx.pid; error_log ${setting.folder}/nginx-error.log;
events { worker_connections 200; }
http {
access_log off; ${temporary.join(' ')}
client_max_body_size 10m; large_client_header_buffers 4 16k; merge_slashes off; underscores_in_headers on;
${before}
server { listen 127.0.0.1:${setting.port}; server_name nova.example; ${location} }
}
`,
  )
  const running = await start(
    ['/usr/sbin/nginx', '-c', file, '-p', setting.folder],
    { port: setting.port },
    { folder: setting.folder, name },
  )
  return { running: [running], target: { port: setting.port, prefix } }
}
