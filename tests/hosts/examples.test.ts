/** The files in examples/ say what the host understands: each is read by the code that would serve by it. */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { readHostLine } from '../../src/cli/host/flags.ts'
import { endpointText } from '../../src/hosts/address.ts'
import { parseUwsgiFile } from '../../src/hosts/uwsgi-ini.ts'
import { root } from './own.ts'

const examples = join(root, 'examples')
const files = (pattern: string) => globSync(pattern, { cwd: examples }).sort()
const read = (file: string) => readFileSync(join(examples, file), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'examples-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The words behind `nova-ts host` of a command line, with files of the machine replaced by those of the example beside it. */
function hostWords(line: string, file: string): string[] {
  const words = line
    .slice(line.indexOf('nova-ts host') + 'nova-ts host'.length)
    .trim()
    .split(/\s+/)
  return words.map((word) => {
    const beside = [file.replace(/[^/]+$/, word.replace('/etc/nova/', '')), `debian${word}`].map((path) => join(examples, path))
    return word.startsWith('/etc/nova/') ? (beside.find(existsSync) ?? word) : word
  })
}

describe('[uwsgi] files', () => {
  const ini = files('**/*.ini')
  test('are there', () => expect(ini.length).toBeGreaterThan(5))
  for (const file of ini)
    test(file, () => {
      const { settings, notices } = parseUwsgiFile({ text: read(file), path: file, env: {} })
      expect(notices).toEqual([])
      expect(settings.module).toMatch(/^nova\.wsgi\.(osapi_compute|metadata)$/)
      expect(settings.workers).toBeGreaterThan(1)
      expect(settings.listen.map(endpointText).join()).toMatch(settings.module.endsWith('metadata') ? /8775/ : /8774|nova-api\.socket/)
    })
})

describe('units', () => {
  const units = files('**/*.service')
  test('are there', () => expect(units.length).toBeGreaterThan(4))
  for (const file of units)
    test(file, () => {
      const line = /^ExecStart=(.*)$/m.exec(read(file))![1]!
      const { settings } = readHostLine(hostWords(line, file), { LISTEN_FDS: '1' })
      // systemd-notify speaks for it
      expect(read(file)).toMatch(/^Type=notify\nNotifyAccess=all$|^Type=notify\n#.*\nNotifyAccess=all$/m)
      const patience = Number(/^TimeoutStopSec=(\d+)$/m.exec(read(file))![1])
      expect(patience).toBeGreaterThan(settings.drainSeconds)
    })

  test.skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)('are what systemd reads', () => {
    const complaints = [...units, ...files('**/*.socket')].flatMap((file) => {
      // programs and users of another machine
      const name = join(folder, file.split('/').at(-1)!)
      writeFileSync(
        name,
        read(file)
          .replace(/^ExecStart=.*/m, 'ExecStart=/bin/true')
          .replace(/^(User|Group)=.*\n/gm, ''),
      )
      const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', name], { encoding: 'utf8' })
      return stderr.split('\n').filter((line) => line.includes(name) || /Unknown|Invalid|Failed to parse/.test(line))
    })
    expect(complaints).toEqual([])
  })
})

describe('containers', () => {
  test('the command of the image', () => {
    const [, words] = /^CMD (\[.*\])$/m.exec(read('kolla/Containerfile'))!
    const { settings } = readHostLine(hostWords((JSON.parse(words!) as string[]).join(' '), 'kolla/Containerfile'), {})
    expect(settings.module).toBe('nova.wsgi.osapi_compute')
    const copied = [...read('kolla/Containerfile').matchAll(/^COPY (.*) \S+$/gm)].flatMap(([, sources]) => sources!.split(' '))
    expect(copied.filter((source) => !existsSync(join(root, source)))).toEqual([])
  })

  for (const file of files('kubernetes/*.yaml'))
    test(file, () => {
      const [deployment] = parseAllDocuments(read(file)).map((one) => one.toJS())
      const [container] = deployment.spec.template.spec.containers
      const { settings } = readHostLine(hostWords([...container.command, ...container.args].join(' '), file), {})
      const ports = Object.fromEntries(container.ports.map((one: { name: string; containerPort: number }) => [one.name, one.containerPort]))
      expect(settings.listen.map(endpointText)).toEqual([`http://0.0.0.0:${ports.http}`])
      expect(settings.metrics).toMatchObject({ port: ports.metrics })
      expect([container.readinessProbe.httpGet.path, container.livenessProbe.httpGet.path]).toEqual([settings.healthPath, '/'])
      expect(new RegExp(settings.accessLog!.skipAgents[0]!).test('kube-probe/1.31')).toBe(true)
      // preStop sleeps for five of them
      expect(deployment.spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(settings.drainSeconds + 5)
    })
})

describe('servers in front', () => {
  test.skipIf(!existsSync('/usr/sbin/haproxy'))('HAProxy', () => {
    const { status, stderr } = spawnSync('/usr/sbin/haproxy', ['-c', '-f', join(examples, 'proxies/haproxy.cfg')], { encoding: 'utf8' })
    expect([status, /ALERT/.test(stderr) ? stderr : '']).toEqual([0, ''])
  })

  test.skipIf(!existsSync('/usr/sbin/nginx') || !existsSync('/etc/nginx/uwsgi_params'))('nginx', () => {
    const file = join(folder, 'nginx.conf')
    const own = read('proxies/nginx.conf')
      .replace('include uwsgi_params', 'include /etc/nginx/uwsgi_params')
      .replace('listen 80', 'listen 127.0.0.1:18780')
    writeFileSync(file, `pid ${folder}/pid; error_log ${folder}/log;\nevents {}\nhttp { ${own} }`)
    const { status, stderr } = spawnSync('/usr/sbin/nginx', ['-t', '-c', file], { encoding: 'utf8' })
    expect([status, status === 0 ? '' : stderr]).toEqual([0, ''])
  })

  test('Apache’s two lines are those that npm run hosts runs', () => {
    const [, tested] = /SetEnv proxy-sendcl 1\nProxyPass "\/compute" "unix:\$\{[^}]*\}(.*)`/.exec(
      readFileSync(join(root, 'tests/hosts/servers/proxies.ts'), 'utf8'),
    )!
    expect(read('devstack/nova-api.conf')).toContain(tested)
  })
})

test('every file of an example is named by the text that goes with it', () => {
  const unnamed = files('**/*').filter((file) => {
    if (!/\.[a-z]+$|Containerfile$|nova-ts$/.test(file) || file.endsWith('README.md')) return false
    const folder = file.split('/')[0]!
    return !read(`${folder}/README.md`).includes(file.split('/').at(-1)!)
  })
  expect(unnamed).toEqual([])
})
