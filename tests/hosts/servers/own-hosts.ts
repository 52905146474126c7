/** Our own host, in all its protocols: for the cases, and behind the servers that stand in front of it. */
import { join } from 'node:path'
import type { Target } from '../cases.ts'
import { signCertificate } from '../certificates.ts'
import { echoModule, ownHost } from '../own.ts'

export interface Own {
  readonly http: number
  readonly https: number
  readonly unix: string
  readonly uwsgi: string
  stop(): Promise<unknown>
}

/** Two ports from `port` on. */
export async function startOwn(folder: string, port: number): Promise<Own> {
  const own = { http: port, https: port + 1, unix: join(folder, 'http.sock'), uwsgi: join(folder, 'uwsgi.sock') }
  const { cert, key } = signCertificate(folder, 'own')
  const listen = [`http://127.0.0.1:${own.http}`, `https://127.0.0.1:${own.https}`, `http:${own.unix}`, `uwsgi:${own.uwsgi}`]
  const host = ownHost([
    echoModule,
    ...listen.flatMap((address) => ['--listen', address]),
    '--cert',
    cert,
    '--key',
    key,
    '--socket-mode',
    '666',
  ])
  await host.says(/on uwsgi:/)
  return { ...own, stop: () => host.end() }
}

export const ownTargets = ({ http, https, unix }: Own): Target[] => [
  { name: 'own HTTP', port: http },
  { name: 'own HTTPS', port: https, secure: true, scheme: 'https' },
  { name: 'own UNIX socket', socketPath: unix },
]
