// Our two services with the configuration of a real deployment, and who its administrator is. Everything about the deployment is in the environment:
//   NOVA_CONFIG_DIR    where its nova.conf and api-paste.ini are
//   OPENRC             a file that exports OS_* of an administrator
//   COMPUTE_LISTEN     where our compute API listens, http://127.0.0.1:8774 when unset
//   METADATA_LISTEN    the same of the metadata API, http://127.0.0.1:8775
//   METADATA_SECRET    [neutron] metadata_proxy_shared_secret of nova.conf
import { spawn, spawnSync } from 'node:child_process'
import { createWriteStream, existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const bin = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin', 'nova-ts.js')

export const computeAt = process.env.COMPUTE_LISTEN ?? 'http://127.0.0.1:8774'
export const metadataAt = process.env.METADATA_LISTEN ?? 'http://127.0.0.1:8775'

/** The environment of a client: the OS_* of the openrc and where our services are. */
export function clientEnvironment(openrc = needed('OPENRC')) {
  if (!existsSync(openrc)) stop(`there is no ${openrc}`)
  const { stdout } = spawnSync('sh', ['-c', '. "$0" >/dev/null 2>&1; env -0', openrc], { encoding: 'utf8' })
  const all = Object.fromEntries(
    stdout
      .split('\0')
      .flatMap((line) => (line.includes('=') ? [[line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]] : [])),
  )
  return {
    ...all,
    COMPUTE_ENDPOINT: `${computeAt}/v2.1`,
    METADATA_ENDPOINT: metadataAt,
    METADATA_SECRET: process.env.METADATA_SECRET ?? '',
  }
}

/** Starts both, and resolves when they answer. Their logs go to a folder that is told. */
export async function startServices({ workers = 0, environment = {} } = {}) {
  const configuration = needed('NOVA_CONFIG_DIR')
  if (!existsSync(join(configuration, 'nova.conf'))) stop(`there is no nova.conf in ${configuration}`)
  const folder = mkdtempSync(join(tmpdir(), 'drop-in-'))
  const services = [start('compute', 'nova.wsgi.osapi_compute', computeAt), start('metadata', 'nova.wsgi.metadata', metadataAt)]
  function start(name, module, address) {
    const log = join(folder, `${name}.log`)
    const child = spawn(process.execPath, [bin, 'host', module, '--listen', address, '--workers', String(workers), '--tether'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, OS_NOVA_CONFIG_DIR: configuration, ...environment },
    })
    const file = createWriteStream(log)
    child.stdout.pipe(file)
    child.stderr.pipe(file)
    return { name, child, address, log }
  }
  for (const service of services) await answers(service)
  return {
    folder,
    services,
    log: (name) => readFileSync(join(folder, `${name}.log`), 'utf8'),
    async stop() {
      for (const { child } of services) {
        if (child.exitCode !== null) continue
        const gone = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGTERM')
        const impatience = setTimeout(() => child.kill('SIGKILL'), 15_000)
        await gone
        clearTimeout(impatience)
      }
    },
  }
}

async function answers({ name, child, address, log }) {
  const deadline = Date.now() + 120_000
  for (;;) {
    if (child.exitCode !== null || Date.now() > deadline) stop(`the ${name} API did not start: ${readFileSync(log, 'utf8').slice(-2000)}`)
    const status = await fetch(`${address}/`).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

export function needed(name) {
  const value = process.env[name]
  if (!value) stop(`${name} is not set; see the top of tests/dropin/services.mjs`)
  return value
}

export function stop(why) {
  process.stderr.write(`${why}\n`)
  process.exit(2)
}

/** A token of the openrc's administrator, and the catalogue that came with it. */
export async function authenticate(env) {
  const body = {
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { name: env.OS_USERNAME, domain: { name: env.OS_USER_DOMAIN_NAME ?? 'Default' }, password: env.OS_PASSWORD } },
      },
      scope: { project: { name: env.OS_PROJECT_NAME, domain: { name: env.OS_PROJECT_DOMAIN_NAME ?? 'Default' } } },
    },
  }
  const answer = await fetch(`${env.OS_AUTH_URL.replace(/\/$/, '').replace(/(\/v3)?$/, '/v3')}/auth/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (answer.status !== 201) stop(`Keystone answers ${answer.status} to ${env.OS_USERNAME}`)
  const { token } = await answer.json()
  return { id: answer.headers.get('x-subject-token'), catalog: token.catalog, projectId: token.project.id }
}
