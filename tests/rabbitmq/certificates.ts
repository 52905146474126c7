/** Certificates for one run: an authority, one of `localhost` for the broker, and one of another authority that must not be trusted. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Certificates {
  readonly folder: string
  readonly ca: string
  readonly cert: string
  readonly key: string
  /** Another authority. */
  readonly stranger: string
}

export function certificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'))
  const at = (name: string) => join(folder, name)
  const openssl = (...argv: string[]) => execFileSync('openssl', argv, { cwd: folder, stdio: 'ignore' })
  const authority = (name: string) =>
    openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '2',
      ...subject(name),
      ...files(name),
    )
  const subject = (name: string) => ['-subj', `/CN=${name}`]
  const files = (name: string) => ['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)]
  authority('ca')
  authority('stranger')
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    ...subject('localhost'),
    '-keyout',
    at('broker.key'),
    '-out',
    at('broker.csr'),
  )
  writeFileSync(at('san'), 'subjectAltName=DNS:localhost\n')
  const signing = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at('san')]
  openssl('x509', '-req', '-in', at('broker.csr'), ...signing, '-out', at('broker.pem'))
  return { folder, ca: at('ca.pem'), cert: at('broker.pem'), key: at('broker.key'), stranger: at('stranger.pem') }
}
