/** Nova's two applications themselves, over a cloud, under each server of Python and under our host: the words of an operator's files, and real answers. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { login } from '../../support/login.ts'
import { root } from '../own.ts'
import { type Started, start } from './processes.ts'
import { apacheConfiguration } from './proxies.ts'

const python = join(root, 'python')
const novaTs = [process.execPath, join(root, 'bin', 'nova-ts.js')] as const

export interface RealCheck {
  readonly name: string
  /** Null when all was as it should be. */
  readonly problem: string | null
}

interface Way {
  readonly name: string
  readonly needs: readonly string[]
  /** The words to run, and files in `folder` to run them. */
  readonly words: (place: { folder: string; port: number; module: string; env: NodeJS.ProcessEnv }) => readonly string[]
}

const ways: readonly Way[] = [
  {
    name: 'nova-ts host',
    needs: [],
    words: ({ port, module }) => [...novaTs, 'host', module, '--listen', `http://127.0.0.1:${port}`, '--workers', '2'],
  },
  {
    name: 'nova-ts host with a [uwsgi] file of kolla-ansible',
    needs: [],
    words({ folder, port, module }) {
      const file = join(folder, 'own.ini')
      writeFileSync(file, `[uwsgi]\nhttp = 127.0.0.1:${port}\nmodule = ${module}:application\n${kolla(folder)}`)
      return [...novaTs, 'host', '--ini', file]
    },
  },
  {
    name: 'uWSGI with the same file',
    needs: ['/usr/bin/uwsgi'],
    words({ folder, port, module }) {
      const file = join(folder, 'uwsgi.ini')
      writeFileSync(
        file,
        `[uwsgi]\nhttp = 127.0.0.1:${port}\nmodule = ${module}:application\n${kolla(folder).replace('= python3', '= python3,http')}`,
      )
      return ['/usr/bin/uwsgi', '--ini', file]
    },
  },
  {
    name: 'gunicorn',
    needs: ['/usr/bin/gunicorn'],
    words: ({ port, module }) => ['/usr/bin/gunicorn', '--bind', `127.0.0.1:${port}`, `${module}:application`],
  },
  {
    name: 'mod_wsgi',
    needs: ['/usr/sbin/apache2', '/usr/lib/apache2/modules/mod_wsgi.so'],
    words({ folder, port, module }) {
      const script = join(folder, 'nova.wsgi')
      writeFileSync(script, `from ${module} import application\n`)
      const lines = `WSGISocketPrefix ${folder}/wsgi
WSGIDaemonProcess nova processes=1 threads=2 python-path=${python}
WSGIProcessGroup nova
WSGIApplicationGroup %{GLOBAL}
WSGIScriptAlias / ${script}
<Directory ${folder}>
  Require all granted
</Directory>`
      const setting = { folder, port, own: { http: 0, uwsgi: '' }, packages: '' }
      return ['/usr/sbin/apache2', '-f', apacheConfiguration(setting, ['wsgi'], lines), '-D', 'FOREGROUND']
    },
  },
]

/** ansible/roles/service-uwsgi-config/templates/uwsgi.ini.j2 of kolla-ansible, filled in. */
const kolla = (folder: string) => `add-header = Connection: close
buffer-size = 65535
die-on-term = true
enable-threads = true
exit-on-reload = false
hook-master-start = unix_signal:15 gracefully_kill_them_all
lazy-apps = true
logto2 = ${folder}/nova-api-uwsgi.log
master = true
plugins-dir = /usr/lib/uwsgi/plugins
plugins = python3
processes = 2
thunder-lock = true
worker-reload-mercy = 80
`

/** A cloud of its own in `folder/cloud`, from port `ports` on, for as long as `act` takes. A problem with the cloud itself rejects. */
export async function withCloud<T>(folder: string, ports: number, act: (state: string, token: string) => Promise<T>): Promise<T> {
  const state = join(folder, 'cloud')
  const cloud = (...words: string[]) => execFileSync(novaTs[0], [novaTs[1], 'cloud', ...words, '--state', state], { encoding: 'utf8' })
  cloud('up', '--ports-from', String(ports), '--password', 'secret')
  try {
    // for the users that servers become
    execFileSync('chmod', ['-R', 'a+rwX', state])
    const { token } = await login({ url: `http://127.0.0.1:${ports}/v3`, password: 'secret' })
    return await act(state, token)
  } finally {
    cloud('down')
  }
}

/** `ports`: thirty of them. */
export function checkReal(folder: string, ports: number): Promise<RealCheck[]> {
  return withCloud(folder, ports, async (state, token) => {
    const checks: RealCheck[] = []
    const env = configurationOf(state)
    let port = ports + 20
    for (const way of ways) {
      if (!way.needs.every(existsSync)) continue
      const place = join(folder, `real-${port}`)
      mkdirSync(place)
      for (const service of ['osapi_compute', 'metadata'] as const)
        checks.push({
          name: `nova.wsgi.${service} under ${way.name}`,
          problem: await checkOne(way, { folder: place, port, module: `nova.wsgi.${service}`, env }, token),
        })
      port++
    }
    return checks
  })
}

/** As the processes of the cloud have it. */
export function configurationOf(state: string): NodeJS.ProcessEnv {
  const etc = join(state, 'etc')
  const files = ['api-paste.ini', 'nova.conf', 'local.conf'].map((name) => join(etc, name)).filter(existsSync)
  return {
    OS_NOVA_CONFIG_DIR: etc,
    OS_NOVA_CONFIG_FILES: files.join(';'),
    PYTHONPATH: python,
    PYTHONDONTWRITEBYTECODE: '1',
    NOVA_TS_COMMAND: novaTs.join(' '),
  }
}

async function checkOne(way: Way, place: Parameters<Way['words']>[0], token: string): Promise<string | null> {
  let running: Started | undefined
  try {
    running = await start(
      way.words(place),
      { port: place.port },
      { folder: place.folder, name: place.module, env: place.env, cwd: place.folder },
    )
    const ask = async (path: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(`http://127.0.0.1:${place.port}${path}`, { headers, signal: AbortSignal.timeout(20_000) })
      return { status: answer.status, vary: answer.headers.get('vary'), text: await answer.text() }
    }
    if (place.module.endsWith('metadata')) {
      const root = await ask('/')
      return root.status === 200 && /^1\.0\n.*latest$/s.test(root.text.trim()) ? null : `GET /: ${root.status} ${root.text.slice(0, 200)}`
    }
    const root = await ask('/')
    if (root.status !== 200 || !root.text.includes('"v2.1"')) return `GET /: ${root.status} ${root.text.slice(0, 200)}`
    const nobody = await ask('/v2.1/servers')
    if (nobody.status !== 401) return `GET /v2.1/servers without a token: ${nobody.status}`
    const list = await ask('/v2.1/flavors', { 'x-auth-token': token, 'openstack-api-version': 'compute 2.61' })
    if (list.status !== 200 || !list.text.includes('m1.tiny')) return `GET /v2.1/flavors: ${list.status} ${list.text.slice(0, 200)}`
    return list.vary?.includes('OpenStack-API-Version') ? null : `no Vary but ${list.vary}`
  } catch (error) {
    return (error as Error).message
  } finally {
    await running?.stop()
  }
}
