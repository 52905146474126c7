import { describe, expect, test } from 'vitest'
import { endpointText } from './address.ts'
import { parseUwsgiFile } from './uwsgi-ini.ts'

const parse = (text: string, env: Record<string, string> = {}) => parseUwsgiFile({ text, path: '/etc/nova/nova-api-uwsgi.ini', env })
const read = (lines: string) => parse(`[uwsgi]\nhttp = :8774\nmodule = nova.wsgi.osapi_compute:application\n${lines}\n`)

/** As the three tools write them for the compute API, with their values filled in. */
const devstack = `[uwsgi]
chmod-socket = 666
socket = /var/run/uwsgi/nova-api.socket
wsgi-file = /usr/local/bin/nova-api-wsgi
processes = 2
master = true
die-on-term = true
exit-on-reload = true
enable-threads = true
plugins = python
thunder-lock = true
buffer-size = 65535
add-header = Connection: close
lazy-apps = true
hook-master-start = unix_signal:15 gracefully_kill_them_all
worker-reload-mercy = 80
`
const kolla = `[uwsgi]
add-header = Connection: close
buffer-size = 65535
die-on-term = true
enable-threads = true
exit-on-reload = false
hook-master-start = unix_signal:15 gracefully_kill_them_all
https = 10.0.0.2:8774,/etc/nova/certs/nova-cert.pem,/etc/nova/certs/nova-key.pem
lazy-apps = true
logto2 = /var/log/kolla/nova/nova-api-uwsgi.log
logfile-chmod = 644
master = true
module = nova.wsgi.osapi_compute:application
plugins-dir = /usr/lib/uwsgi/plugins
plugins = python3
processes = 5
thunder-lock = true
uid = nova
worker-reload-mercy = 80
`
const openstackAnsible = `[uwsgi]
uid = nova
gid = nova

virtualenv = /openstack/venvs/nova
wsgi = nova.wsgi.metadata:application
http-socket = 172.29.236.100:8775
https-socket = [fd00::1]:8775,/etc/nova/nova.pem,/etc/nova/nova.key

master = true
enable-threads = true
processes = 16
threads = 1
exit-on-reload = true
die-on-term = true
lazy-apps = true
add-header = Connection: close
buffer-size = 65535
thunder-lock = true
disable-logging = true
http-auto-chunked = true
http-raw-body = true
socket-timeout = 10
need-app = true

log-x-forwarded-for = true
# Avoid filling up the logs with health check requests from haproxy.
route-user-agent = ^osa-haproxy-healthcheck$ donotlog:
`

describe('the files of deployment tools', () => {
  test('DevStack', () => {
    const { settings, notices } = parse(devstack)
    expect(settings.listen.map(endpointText)).toEqual(['uwsgi:/var/run/uwsgi/nova-api.socket'])
    expect(settings).toMatchObject({
      module: '/usr/local/bin/nova-api-wsgi',
      workers: 2,
      socketMode: 0o666,
      drainSeconds: 80,
      headBytes: 65_535,
    })
    expect([settings.headers, settings.accessLog?.form, notices]).toEqual([[['Connection', 'close']], 'uwsgi', []])
  })

  test('kolla-ansible', () => {
    const { settings, notices } = parse(kolla)
    expect(settings.listen).toEqual([
      {
        protocol: 'https',
        address: { kind: 'tcp', host: '10.0.0.2', port: 8774 },
        certificate: { certificate: '/etc/nova/certs/nova-cert.pem', key: '/etc/nova/certs/nova-key.pem' },
      },
    ])
    expect(settings).toMatchObject({
      module: 'nova.wsgi.osapi_compute',
      workers: 5,
      user: 'nova',
      logFile: '/var/log/kolla/nova/nova-api-uwsgi.log',
    })
    expect([settings.logMode, notices]).toEqual([0o644, []])
  })

  test('openstack-ansible', () => {
    const { settings, notices } = parse(openstackAnsible)
    expect(settings.listen.map(endpointText)).toEqual(['http://172.29.236.100:8775', 'https://[fd00::1]:8775'])
    expect(settings).toMatchObject({
      module: 'nova.wsgi.metadata',
      workers: 16,
      user: 'nova',
      group: 'nova',
      accessLog: null,
      receiveSeconds: 10,
    })
    expect(notices).toEqual([])
  })
})

describe('options', () => {
  const rows: [string, Partial<ReturnType<typeof read>['settings']>][] = [
    ['master = false', { workers: 0 }],
    ['master = true', { workers: 1 }],
    ['workers = 3', { workers: 3 }],
    [
      'mount = /compute=nova.wsgi.osapi_compute:application\nmanage-script-name = true',
      { prefix: '/compute', module: 'nova.wsgi.osapi_compute' },
    ],
    ['pyargv = --config-file /a.conf --config-file "/b c.conf"', { arguments: ['--config-file', '/a.conf', '--config-file', '/b c.conf'] }],
    ['env = OS_NOVA_CONFIG_DIR=/x', { environment: { OS_NOVA_CONFIG_DIR: '/x' } }],
    ['buffer-size = 4096', { headBytes: 16_384 }],
    ['max-requests = 1000', { maxRequests: 1000 }],
    ['chown-socket = nova:www-data', { socketOwner: 'nova:www-data' }],
    ['harakiri = 60', { requestSeconds: 60 }],
    ['reload-on-rss = 512', { maxMemoryMib: 512 }],
    ['max-worker-lifetime = 3600', { maxAgeSeconds: 3600 }],
    ['max-worker-lifetime = 2592000', { maxAgeSeconds: 2_000_000 }],
    ['harakiri = 999999999', { requestSeconds: 2_000_000 }],
    ['logger = file:/var/log/nova/api.log', { logFile: '/var/log/nova/api.log' }],
    ['chmod-socket', { socketMode: 0o666 }],
    ['chmod-socket = 660', { socketMode: 0o660 }],
    ['log-format = %(method) %(uri)', { accessLog: { form: '%(method) %(uri)', skipAgents: [], forwardedFor: false } }],
    [
      'route-user-agent = ^kube-probe donotlog:\nlog-x-forwarded-for = true',
      { accessLog: { form: 'uwsgi', skipAgents: ['^kube-probe'], forwardedFor: true } },
    ],
    ['procs = 3\nprocesses = %(procs)', { workers: 3 }],
    ['chdir = /srv', { directory: '/srv' }],
    ['pidfile = %d%n.pid', { pidFile: '/etc/nova/nova-api-uwsgi.pid' }],
  ]
  for (const [lines, expected] of rows) test(lines.replaceAll('\n', '; '), () => expect(read(lines).settings).toMatchObject(expected))

  test('$(VARIABLE) is of the environment', () => {
    const { settings } = parse('[uwsgi]\nhttp = :$(PORT)\nmodule = m', { PORT: '9000' })
    expect(settings.listen.map(endpointText)).toEqual(['http://0.0.0.0:9000'])
  })

  test('other sections are not read', () => {
    expect(read('[other]\nprocesses = 9').settings.workers).toBe(0)
  })

  test('what is not done is told, unless it is switched off', () => {
    const told = (lines: string) => read(lines).notices.map((notice) => notice.split(' ')[0])
    expect(told('stats = :1717\nblind-option = 1\nlogger = syslog')).toEqual(['stats', 'blind-option', 'logger'])
    expect(told('stats = false\nlogger = stdio\nharakiri = 60')).toEqual([])
  })

  test('what has no meaning here is named', () => {
    expect(read('thunder-lock = true\nlazy-apps = true\nprocesses = 2').passedOver).toEqual(['thunder-lock', 'lazy-apps'])
  })
})

describe('what cannot be followed is refused', () => {
  const rows: [string, string][] = [
    ['chmod-socket = rw', 'is not three octal digits'],
    ['harakiri = soon', 'is no number'],
    ['processes = many', ':4: processes = many: is no number'],
    ['https = :8774', 'needs an address, a certificate and a key'],
    ['socket = api.example.org:8774', 'api.example.org is no IP address'],
    ['route-user-agent = x deny:', 'only `REGEX donotlog:` can be done'],
    ['route-user-agent = ( donotlog:', 'Invalid regular expression'],
    ['mount = /a=m\nmount = /b=n', 'one application is served, at one prefix'],
    ['add-header = nonsense', 'is not NAME: VALUE'],
  ]
  for (const [lines, message] of rows) test(lines.replaceAll('\n', '; '), () => expect(() => read(lines)).toThrow(message))

  test('a file without what it is for', () => {
    expect(() => parse('')).toThrow('has no section [uwsgi]')
    expect(() => parse('[uwsgi]\nhttp = :1')).toThrow('names no application')
    expect(() => parse('[uwsgi]\nmodule = m')).toThrow('names no address')
  })
})
