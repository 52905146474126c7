/** A RabbitMQ broker of our own: its ports, its folder, its name server; on 127.0.0.1 alone, and gone when it is stopped. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './free-ports.ts'

export interface RabbitBroker {
  readonly port: number
  /** Undefined without certificates. */
  readonly tlsPort: number | undefined
  readonly folder: string
  /** Resolves when it listens. */
  start(): Promise<void>
  /** The data stay. */
  stop(): Promise<void>
  kill(): Promise<void>
  /** `rabbitmqctl`; its standard output. Rejects with what it said. */
  ctl(...argv: string[]): Promise<string>
  /** Stops it and removes all. */
  remove(): Promise<void>
}

export interface BrokerOptions {
  /** Lines for rabbitmq.conf. */
  readonly config?: readonly string[]
  /** Paths of PEM files. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string }
}

const programs = '/usr/lib/rabbitmq/bin'
export const isInstalled = (): boolean => existsSync(join(programs, 'rabbitmq-server'))

const startTimeoutMs = 90_000

/** Not started yet. */
export async function rabbitBroker({ config = [], tls }: BrokerOptions = {}): Promise<RabbitBroker> {
  const port = await freePorts(6)
  const [tlsPort, distPort, epmdPort] = [port + 1, port + 2, port + 3]
  const folder = mkdtempSync(join(tmpdir(), 'rabbitmq-'))
  const env = environment(folder, distPort, epmdPort)
  for (const name of ['data', 'logs', 'home']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'rabbitmq.conf'), [...base(port), ...(tls ? secure(tlsPort, tls) : []), ...config, ''].join('\n'))
  writeFileSync(join(folder, 'plugins'), '[].')
  writeFileSync(join(folder, 'env.conf'), '')
  let server: ChildProcess | undefined
  let names: ChildProcess | undefined

  async function start(): Promise<void> {
    names ??= spawn('epmd', ['-port', String(epmdPort), '-address', '127.0.0.1'], { stdio: 'ignore' })
    const child = spawn(join(programs, 'rabbitmq-server'), [], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    server = child
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said = (said + chunk).slice(-4_000)))
    const deadline = performance.now() + startTimeoutMs
    while (!(await accepts(port))) {
      if (child.exitCode !== null || performance.now() > deadline) throw new Error(`RabbitMQ did not start: ${said}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    // it listens a moment before it is ready
    await ctl('await_startup')
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const child = server
    server = undefined
    if (!child || child.exitCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    process.kill(-child.pid!, signal)
    const impatience = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), 20_000)
    await gone
    clearTimeout(impatience)
  }

  const ctl = (...argv: string[]): Promise<string> => run(join(programs, 'rabbitmqctl'), ['--quiet', ...argv], env)

  return {
    port,
    tlsPort: tls ? tlsPort : undefined,
    folder,
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    ctl,
    async remove() {
      await end('SIGTERM')
      names?.kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const base = (port: number) => [
  `listeners.tcp.1 = 127.0.0.1:${port}`,
  'default_user = nova',
  'default_pass = s3cret/@',
  'log.console = false',
  'log.file = rabbit.log',
  'vm_memory_high_watermark.relative = 0.3',
  'disk_free_limit.absolute = 50MB',
]

const secure = (port: number, { ca, cert, key }: NonNullable<BrokerOptions['tls']>) => [
  `listeners.ssl.1 = 127.0.0.1:${port}`,
  `ssl_options.cacertfile = ${ca}`,
  `ssl_options.certfile = ${cert}`,
  `ssl_options.keyfile = ${key}`,
  'ssl_options.verify = verify_peer',
  'ssl_options.fail_if_no_peer_cert = false',
]

/** As a `transport_url` has it. */
export const user = 'nova:s3cret%2F%40'

function environment(folder: string, distPort: number, epmdPort: number): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    LANG: 'C.UTF-8',
    HOME: join(folder, 'home'),
    RABBITMQ_NODENAME: `b${epmdPort}@localhost`,
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'logs'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_CONF_ENV_FILE: join(folder, 'env.conf'),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_CTL_DIST_PORT_MIN: String(distPort + 2),
    RABBITMQ_CTL_DIST_PORT_MAX: String(distPort + 3),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1} +S 1:1',
    RABBITMQ_CTL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

function run(program: string, argv: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(program, argv, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let error = ''
  child.stdout.on('data', (chunk) => (out += chunk))
  child.stderr.on('data', (chunk) => (error += chunk))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => (code === 0 ? resolve(out) : reject(new Error(`${program} ${argv.join(' ')}: ${error || out}`))))
  })
}

/** The log, for a test that failed. */
export const logOf = (folder: string): string => {
  try {
    return readFileSync(join(folder, 'logs', 'rabbit.log'), 'utf8')
  } catch {
    return ''
  }
}
