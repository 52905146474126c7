/** The servers of Python, which take the package in `python/`. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { echoModule, root } from '../own.ts'
import type { Host, Setting } from './hosts.ts'
import { start } from './processes.ts'
import { apacheConfiguration, apacheJoins } from './proxies.ts'

const python = join(root, 'python')
const command = `${process.execPath} ${join(root, 'bin', 'nova-ts.js')}`

/** What `nova/wsgi/osapi_compute.py` says, of the application of the tests. */
function writeModule({ folder }: Setting, name: string): string {
  const file = join(folder, name)
  writeFileSync(file, `from nova.wsgi.beside import Application\napplication = Application(${JSON.stringify(echoModule)})\n`)
  return file
}

const environment = (setting: Setting) => ({
  NOVA_TS_COMMAND: command,
  PYTHONPATH: `${python}:${setting.folder}`,
  PYTHONDONTWRITEBYTECODE: '1',
})

const hidesAborts = (server: string) => ({
  'a client that goes away is noticed': `${server} notices that a client is gone when it writes to it`,
})

const onePerRead = { 'two requests at once on one connection': 'gunicorn forgets a second request that came with the first' }
const closes = 'uWSGI closes each connection, unless its http has http-keepalive'
const ofUwsgi = {
  'a chunked body with extensions and a trailer': 'uWSGI does not know chunk extensions',
  'keep-alive: two requests on one connection': closes,
  'keep-alive after 204 and HEAD': closes,
  'two requests at once on one connection': closes,
}

export const wsgiServers: readonly Host[] = [
  {
    name: 'gunicorn',
    needs: ['/usr/bin/gunicorn'],
    async start(setting) {
      writeModule(setting, 'echo_wsgi.py')
      const words = [
        '/usr/bin/gunicorn',
        '--bind',
        `127.0.0.1:${setting.port}`,
        '--threads',
        '4',
        '--limit-request-field_size',
        '16380',
        'echo_wsgi:application',
      ]
      const running = await start(words, { port: setting.port }, { folder: setting.folder, name: 'gunicorn', env: environment(setting) })
      return { running: [running], target: { port: setting.port, except: { ...hidesAborts('gunicorn'), ...onePerRead } } }
    },
  },
  {
    name: 'uWSGI http-socket',
    needs: ['/usr/bin/uwsgi'],
    start: (setting) => uwsgi(setting, 'http-socket', ofUwsgi),
  },
  {
    name: 'uWSGI http',
    needs: ['/usr/bin/uwsgi'],
    start: (setting) => uwsgi(setting, 'http', ofUwsgi),
  },
  {
    name: 'mod_wsgi',
    needs: ['/usr/sbin/apache2', '/usr/lib/apache2/modules/mod_wsgi.so'],
    async start(setting) {
      const script = writeModule(setting, 'echo.wsgi')
      const lines = `AllowEncodedSlashes NoDecode
MergeSlashes Off
WSGISocketPrefix ${setting.folder}/wsgi
WSGIDaemonProcess nova processes=1 threads=4 python-path=${python}
WSGIProcessGroup nova
WSGIApplicationGroup %{GLOBAL}
WSGIPassAuthorization On
WSGIChunkedRequest On
WSGIScriptAlias / ${script}
<Directory ${setting.folder}>
  Require all granted
</Directory>`
      const file = apacheConfiguration(setting, ['wsgi'], lines)
      const running = await start(
        ['/usr/sbin/apache2', '-f', file, '-D', 'FOREGROUND'],
        { port: setting.port },
        { folder: setting.folder, name: 'mod-wsgi', env: environment(setting) },
      )
      return {
        running: [running],
        target: {
          port: setting.port,
          except: { ...hidesAborts('mod_wsgi'), ...apacheJoins, 'the path /a//b': 'mod_wsgi makes one of two slashes' },
        },
      }
    },
  },
]

async function uwsgi(setting: Setting, key: 'http' | 'http-socket', except: Readonly<Record<string, string>>) {
  writeModule(setting, 'echo_wsgi.py')
  const file = join(setting.folder, 'uwsgi.ini')
  // as kolla-ansible and openstack-ansible write it
  writeFileSync(
    file,
    `[uwsgi]
${key} = 127.0.0.1:${setting.port}
module = echo_wsgi:application
plugins = python3,http
master = true
processes = 1
threads = 4
enable-threads = true
lazy-apps = true
need-app = true
die-on-term = true
thunder-lock = true
buffer-size = 65535
http-raw-body = true
http-chunked-input = true
http-auto-chunked = true
wsgi-manage-chunked-input = true
disable-logging = true
socket-timeout = 10
`,
  )
  const running = await start(
    ['/usr/bin/uwsgi', '--ini', file],
    { port: setting.port },
    { folder: setting.folder, name: `uwsgi-${key}`, env: environment(setting) },
  )
  return { running: [running], target: { port: setting.port, except: { ...hidesAborts('uWSGI'), ...except } } }
}
