/** MariaDB and PostgreSQL of our own: private data, a port on loopback, gone when the tests are. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Certificates, certificates } from '../rabbitmq/certificates.ts'

export interface Instance {
  /** A connection string that ends where the name of a database would follow. */
  readonly url: string
  readonly port: number
  /** Its certificate is for `localhost`. */
  readonly certificates: Certificates
  readonly pid: () => number
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
  /** Ends it in good order. */
  stop(): Promise<void>
  /** Starts it on the same data. */
  start(): Promise<void>
  /** Stops it and removes its data. */
  remove(): Promise<void>
}

interface Kind {
  /** Makes the data. */
  readonly prepare: (folder: string, as: Account | undefined) => void
  readonly command: (folder: string, port: number) => readonly [string, ...string[]]
  readonly url: (port: number) => string
  readonly account: string
  /** The signal that ends it soon and in good order. */
  readonly stopSignal: NodeJS.Signals
}

interface Account {
  readonly uid: number
  readonly gid: number
}

const first = (...paths: string[]): string | undefined => paths.find((path) => existsSync(path))
const postgresqlBin = (): string | undefined =>
  existsSync('/usr/lib/postgresql')
    ? readdirSync('/usr/lib/postgresql')
        .map((version) => join('/usr/lib/postgresql', version, 'bin'))
        .find((bin) => existsSync(join(bin, 'initdb')))
    : undefined

/** Whether the server's programs are on this machine. */
export const installed = {
  mariadb: (): boolean => first('/usr/sbin/mariadbd', '/usr/sbin/mysqld') !== undefined && existsSync('/usr/bin/mariadb-install-db'),
  postgresql: (): boolean => postgresqlBin() !== undefined,
  memcached: (): boolean => existsSync('/usr/bin/memcached'),
}

const mariadb: Kind = {
  account: 'mysql',
  stopSignal: 'SIGTERM',
  url: (port) => `mysql+pymysql://nova:secret@127.0.0.1:${port}/`,
  prepare(folder, as) {
    const data = ['--no-defaults', `--datadir=${folder}/data`, '--auth-root-authentication-method=normal', '--skip-test-db']
    execFileSync('/usr/bin/mariadb-install-db', data, { stdio: 'ignore', ...as })
  },
  command: (folder, port) => [
    first('/usr/sbin/mariadbd', '/usr/sbin/mysqld')!,
    '--no-defaults',
    `--datadir=${folder}/data`,
    `--socket=${folder}/socket`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--init-file=${folder}/init.sql`,
    '--character-set-server=utf8mb4',
    // What is lost with the machine does not matter here; what is lost with the process does
    '--innodb-flush-log-at-trx-commit=2',
    '--innodb-doublewrite=0',
    '--innodb-file-per-table=0',
    '--innodb-buffer-pool-size=128M',
    '--skip-log-bin',
    `--ssl-ca=${folder}/ca.pem`,
    `--ssl-cert=${folder}/server.pem`,
    `--ssl-key=${folder}/server.key`,
  ],
}

const postgresql: Kind = {
  account: 'postgres',
  stopSignal: 'SIGINT',
  url: (port) => `postgresql+psycopg2://nova:secret@127.0.0.1:${port}/`,
  prepare(folder, as) {
    const how = ['-A', 'scram-sha-256', `--pwfile=${folder}/password`, '--no-sync', '-E', 'UTF8', '--locale=C.UTF-8']
    const options = ['-D', `${folder}/data`, '-U', 'nova', ...how]
    execFileSync(join(postgresqlBin()!, 'initdb'), options, { stdio: 'ignore', ...as })
  },
  command: (folder, port) => [
    join(postgresqlBin()!, 'postgres'),
    '-D',
    `${folder}/data`,
    '-p',
    String(port),
    '-k',
    folder,
    '-h',
    '127.0.0.1',
    '-c',
    'fsync=off',
    '-c',
    'full_page_writes=off',
    '-c',
    'max_connections=200',
    '-c',
    'ssl=on',
    '-c',
    `ssl_cert_file=${folder}/server.pem`,
    '-c',
    `ssl_key_file=${folder}/server.key`,
  ],
}

export const startMariadb = (port?: number): Promise<Instance> => begin(mariadb, port)
export const startPostgresql = (port?: number): Promise<Instance> => begin(postgresql, port)

async function begin(kind: Kind, wanted?: number): Promise<Instance> {
  const folder = mkdtempSync(join(tmpdir(), 'nova-ts-server-'))
  const as = accountOf(kind.account)
  mkdirSync(join(folder, 'data'), { mode: 0o700 })
  const certs = certificates()
  writeFileSync(join(folder, 'init.sql'), accounts)
  writeFileSync(join(folder, 'password'), 'secret')
  copyFileSync(certs.ca, join(folder, 'ca.pem'))
  copyFileSync(certs.cert, join(folder, 'server.pem'))
  copyFileSync(certs.key, join(folder, 'server.key'))
  chmodSync(join(folder, 'server.key'), 0o600)
  if (as) for (const path of [folder, ...readdirSync(folder).map((name) => join(folder, name))]) chownSync(path, as.uid, as.gid)
  kind.prepare(folder, as)
  const port = wanted ?? (await freePort())
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    const running = child
    if (running?.exitCode !== null || running.signalCode !== null) return
    const gone = new Promise<void>((resolve) => running.once('exit', () => resolve()))
    running.kill(signal)
    await gone
  }
  const start = async () => {
    const [program, ...argv] = kind.command(folder, port)
    child = spawn(program, argv, { stdio: 'ignore', cwd: folder, ...as })
    await answers(port, child)
  }
  await start()
  return {
    url: kind.url(port),
    port,
    certificates: certs,
    pid: () => child!.pid!,
    start,
    kill: () => end('SIGKILL'),
    stop: () => end(kind.stopSignal),
    async remove() {
      await end(kind.stopSignal)
      for (const path of [folder, certs.folder]) rmSync(path, { recursive: true, force: true })
    },
  }
}

const accounts = ["'%'", 'localhost']
  .map((host) => `CREATE USER IF NOT EXISTS nova@${host} IDENTIFIED BY 'secret';\nGRANT ALL ON *.* TO nova@${host};\n`)
  .join('')

/** Servers refuse to run as root; their packages bring an account. */
function accountOf(name: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${name}:`))
  const [, , uid, gid] = line?.split(':') ?? []
  if (!uid) throw new Error(`there is no account ${name} to run the server as`)
  return { uid: Number(uid), gid: Number(gid) }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}

async function answers(port: number, child: ChildProcess): Promise<void> {
  const end = performance.now() + 60_000
  while (performance.now() < end) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the server on port ${port} ended while it started`)
    if (await speaks(port)) return
    await pause(50)
  }
  throw new Error(`the server on port ${port} did not start within a minute`)
}

function speaks(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}
