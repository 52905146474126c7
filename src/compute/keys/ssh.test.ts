import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { generateSsh, sshFingerprint } from './ssh.ts'

const text = (value: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
const number = (value: bigint): Buffer => {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex')
  return text(value > 0n && bytes[0]! > 127 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes)
}
const key = (type: string, ...parts: Buffer[]): string => `${type} ${Buffer.concat([text(type), ...parts]).toString('base64')}`

const point = (curve: string): Buffer =>
  generateKeyPairSync('ec', { namedCurve: curve })
    .publicKey.export({ type: 'spki', format: 'der' })
    .subarray(curve === 'P-256' ? -65 : curve === 'P-384' ? -97 : -133)
const p256 = point('P-256')
const ed25519 = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILwBxSCFgXfyVTqFXljn03HRf3sOVICQb+0LrrVKAEFP'
const n = (1n << 1023n) + 1n
const [p, q] = [(1n << 1023n) + 1n, (1n << 159n) + 1n]

const certificate = (rest: Buffer[], signer = 'ssh-ed25519', algorithm = 'ssh-ed25519') =>
  key(
    'ssh-ed25519-cert-v01@openssh.com',
    text('nonce'),
    text(Buffer.alloc(32, 1)),
    Buffer.alloc(12),
    text('id'),
    text(text('someone')),
    Buffer.alloc(16),
    ...rest,
    text(''),
    text(Buffer.concat([text(signer), text(Buffer.alloc(32, 2))])),
    text(Buffer.concat([text(algorithm), text(Buffer.alloc(64, 3))])),
  )
const option = (name: string) => Buffer.concat([text(name), text('')])

const good: Record<string, string> = {
  ed25519,
  'with a comment': `${ed25519} someone@example`,
  'with a line feed': `${ed25519}\n`,
  'with junk inside': ed25519.replace('C3Nz', 'C!3Nz'),
  'rsa, however small': key('ssh-rsa', number(65537n), number((1n << 63n) + 1n)),
  'rsa of 16384 bits': key('ssh-rsa', number(65537n), number((1n << 16383n) + 1n)),
  dsa: key('ssh-dss', number(p), number(q), number(2n), number(5n)),
  'ecdsa on P-256': key('ecdsa-sha2-nistp256', text('nistp256'), text(p256)),
  'ecdsa on P-384': key('ecdsa-sha2-nistp384', text('nistp384'), text(point('P-384'))),
  'ecdsa on P-521': key('ecdsa-sha2-nistp521', text('nistp521'), text(point('P-521'))),
  'of a token': key('sk-ssh-ed25519@openssh.com', text(Buffer.alloc(32, 1)), text('ssh:')),
  'ecdsa of a token': key('sk-ecdsa-sha2-nistp256@openssh.com', text('nistp256'), text(p256), text('ssh:x')),
  'a certificate': certificate([text(option('a')), text(Buffer.concat([option('a'), option('b')]))]),
}
for (const [what, line] of Object.entries(good))
  test(`a key: ${what}`, () => expect(sshFingerprint(line)).toMatch(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/))

const bad: Record<string, string> = {
  nothing: '',
  'one word': 'junk',
  'an unknown type': ed25519.replace('ssh-ed25519', 'ssh-ed448'),
  'another type inside': ed25519.replace('ssh-ed25519', 'ssh-rsa'),
  'parted by a tab alone': ed25519.replace(' ', '\t'),
  'a space before it': ` ${ed25519}`,
  'padding is missing': key('ssh-rsa', number(65537n), number(n)).replace(/=+$/, ''),
  'cut short': 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILwB',
  'longer than a key': key('ssh-rsa', number(65537n), number(n), Buffer.from('x')),
  'rsa with an even exponent': key('ssh-rsa', number(65536n), number(n)),
  'rsa with the exponent 1': key('ssh-rsa', number(1n), number(n)),
  'rsa with an exponent that is too big': key('ssh-rsa', number(n), number(n)),
  'rsa with a negative number': key('ssh-rsa', number(65537n), text(Buffer.alloc(128, 0xff))),
  'ed25519 of 31 bytes': key('ssh-ed25519', text(Buffer.alloc(31))),
  'ecdsa off the curve': key('ecdsa-sha2-nistp256', text('nistp256'), text(Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)]))),
  'ecdsa of another curve': key('ecdsa-sha2-nistp384', text('nistp256'), text(p256)),
  'ecdsa without a point': key('ecdsa-sha2-nistp256', text('nistp256'), text('')),
  'dsa of 2048 bits': key('ssh-dss', number((1n << 2047n) + 1n), number(q), number(2n), number(5n)),
  'dsa with an odd q': key('ssh-dss', number(p), number(q >> 1n), number(2n), number(5n)),
  'dsa with g 1': key('ssh-dss', number(p), number(q), number(1n), number(5n)),
  'of a token for something else': key('sk-ssh-ed25519@openssh.com', text(Buffer.alloc(32, 1)), text('web:')),
  'a certificate with options out of order': certificate([text(Buffer.concat([option('b'), option('a')])), text('')]),
  'a certificate with a signature of another kind': certificate([text(''), text('')], 'ssh-ed25519', 'ssh-rsa'),
  'a private key': '-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----',
}
for (const [what, line] of Object.entries(bad))
  test(`no key: ${what}`, () => expect(() => sshFingerprint(line)).toThrow('Keypair data is invalid: failed to generate fingerprint'))

test('the fingerprint that ssh-keygen -E md5 shows', () => {
  expect(sshFingerprint(`${ed25519} me`)).toBe('6c:72:2e:54:51:f3:85:f4:ad:35:f4:5b:d0:ee:d0:56')
})

test('with two spaces between its words, the fingerprint of nothing', () => {
  // nova/crypto.py splits at single spaces
  expect(sshFingerprint(ed25519.replace(' ', '  '))).toBe('d4:1d:8c:d9:8f:00:b2:04:e9:80:09:98:ec:f8:42:7e')
})

test('a new key: both halves belong together', async () => {
  const { privateKey, publicKey, fingerprint } = await generateSsh()
  expect(privateKey).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n[\s\S]*\n-----END RSA PRIVATE KEY-----\n$/)
  expect(publicKey).toMatch(/^ssh-rsa \S+ Generated-by-Nova$/)
  expect(sshFingerprint(publicKey)).toBe(fingerprint)
  const { n: modulus } = createPublicKey(createPrivateKey(privateKey)).export({ format: 'jwk' })
  const blob = Buffer.from(publicKey.split(' ')[1]!, 'base64')
  expect(blob.subarray(-256).toString('base64url')).toBe(modulus)
})
