/** systemd's own programs, which need no systemd that runs: socket activation by systemd-socket-activate, readiness by systemd-notify. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { until } from '../../support/until.ts'
import { echoModule, ownHost, root } from '../own.ts'
import { ask } from '../wire.ts'

export interface SystemdCheck {
  readonly name: string
  /** Null when it is as it should be. */
  readonly problem: string | null
  readonly skipped: boolean
}

const programs = ['/usr/bin/systemd-socket-activate', '/usr/bin/systemd-notify', '/usr/bin/python3']
const get = (port: number, path: string) => ask({ port }, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)

/** With workers and without. */
export async function checkSystemd(folder: string, port: number): Promise<SystemdCheck[]> {
  const found: SystemdCheck[] = []
  for (const [at, workers] of ['0', '2'].entries()) {
    const name = `systemd: socket activation and readiness with ${workers} workers`
    const skipped = !programs.every(existsSync)
    const problem = skipped
      ? null
      : await activated(join(folder, `notify-${workers}.sock`), port + at, workers).then(
          () => null,
          (error: Error) => error.message,
        )
    found.push({ name, problem, skipped })
  }
  return found
}

async function activated(path: string, port: number, workers: string): Promise<void> {
  const systemd = await listener(path)
  const node = [process.execPath, join(root, 'bin', 'nova-ts.js')]
  const command = [programs[0]!, `--listen=127.0.0.1:${port}`, '-E', `NOTIFY_SOCKET=${path}`, '-E', `PATH=${process.env.PATH}`, ...node]
  const host = ownHost([echoModule, '--workers', workers], { command })
  try {
    await host.says(/Listening on/)
    if (systemd.heard() !== '') throw new Error(`it was ready before anybody came: ${systemd.heard()}`)
    // the connection that makes it start is answered too
    const first = await get(port, '/echo')
    if (first.status !== 200) throw new Error(`the first request got ${first.status}`)
    await systemd.hears(/^READY=1$/m)
    await systemd.hears(/^STATUS=.*serv/m)
    // it became the program: what is sent to it goes to the host
    host.child.kill('SIGHUP')
    if (workers !== '0') {
      await systemd.hears(/^RELOADING=1$[\s\S]*^READY=1$/m)
      await host.says(/all workers have been replaced/)
    } else await host.says(/have been read again/)
    if ((await get(port, '/echo')).status !== 200) throw new Error('the socket was lost in the reload')
    const status = await host.end()
    if (status !== 0) throw new Error(`it ended with ${status}: ${host.output()}`)
    await systemd.hears(/^STOPPING=1$/m)
  } finally {
    host.child.kill('SIGKILL')
    systemd.close()
  }
}

/** Node has no UNIX datagrams. */
const program = `import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)`

async function listener(path: string) {
  const child = spawn('/usr/bin/python3', ['-c', program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk))
  const hears = (pattern: RegExp) =>
    until(
      () => `systemd heard ${pattern} in ${text}`,
      () => pattern.test(text),
      20_000,
    )
  await hears(/^bound\n/)
  return { hears, heard: () => text.replace(/^bound\n/, ''), close: () => void child.kill('SIGKILL') }
}
