/** SSH public keys: what one must be, its fingerprint, and new ones. The checks are those of pyca/cryptography, which Nova asks. */
import { createHash, createPublicKey, generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { Fault } from '../faults.ts'
import type { NewKey } from './new-key.ts'

/** MD5 of the key as OpenSSH writes it, as pairs of digits. Throws `invalidKeyPair` for what is no key. */
export function sshFingerprint(publicKey: string): string {
  try {
    checkKey(publicKey)
    // nova/crypto.py generate_fingerprint: the second word, where single spaces part words
    const second = publicKey.split(' ')[1]
    if (second === undefined) throw new BadKey('the words are not parted by a space')
    return fingerprintOf(decodeBase64(second))
  } catch (error) {
    if (!(error instanceof BadKey)) throw error
    throw new Fault('invalidKeyPair', 'failed to generate fingerprint')
  }
}

class BadKey extends Error {}

const fingerprintOf = (blob: Uint8Array): string =>
  createHash('md5')
    .update(blob)
    .digest('hex')
    .replace(/..(?=.)/g, '$&:')

/** An RSA key of 2048 bits: the private half as PKCS #1, as paramiko writes it. */
export async function generateSsh(): Promise<NewKey> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  const { e = '', n = '' } = createPublicKey(publicKey).export({ format: 'jwk' })
  const blob = Buffer.concat([Buffer.from('ssh-rsa'), mpint(e), mpint(n)].map(prefixed))
  return { privateKey, publicKey: `ssh-rsa ${blob.toString('base64')} Generated-by-Nova`, fingerprint: fingerprintOf(blob) }
}

function mpint(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url')
  return bytes[0]! & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes
}

function prefixed(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

const certificateSuffix = '-cert-v01@openssh.com'

function checkKey(text: string): void {
  const [, type, body] = /^(\S+)[ \t]+(\S+)/.exec(text) ?? []
  if (type === undefined || body === undefined) throw new BadKey('not two words')
  const certified = type.endsWith(certificateSuffix)
  const check = checks[certified ? type.slice(0, -certificateSuffix.length) : type]
  if (!check) throw new BadKey('no such type')
  const reader = readerOf(decodeBase64(body))
  if (reader.text() !== type) throw new BadKey('another type inside')
  if (certified) reader.bytes()
  check(reader)
  if (certified) checkCertificate(reader)
  if (reader.left() > 0) throw new BadKey('something follows the key')
}

interface Reader {
  bytes(): Buffer
  text(): string
  /** A number that is not negative. */
  number(): bigint
  skip(count: number): void
  left(): number
}

function readerOf(blob: Buffer): Reader {
  let at = 0
  const take = (count: number): Buffer => {
    if (at + count > blob.length) throw new BadKey('cut short')
    at += count
    return blob.subarray(at - count, at)
  }
  const bytes = () => take(take(4).readUInt32BE())
  return {
    bytes,
    text: () => bytes().toString('latin1'),
    number() {
      const digits = bytes()
      if (digits.length > 0 && digits[0]! > 0x7f) throw new BadKey('a negative number')
      return BigInt(`0x0${digits.toString('hex')}`)
    },
    skip: (count) => void take(count),
    left: () => blob.length - at,
  }
}

const checks: Readonly<Record<string, (reader: Reader) => void>> = {
  'ssh-rsa': checkRsa,
  'ssh-dss': checkDsa,
  'ssh-ed25519': checkEd25519,
  'ecdsa-sha2-nistp256': checkPoint('nistp256', 'P-256'),
  'ecdsa-sha2-nistp384': checkPoint('nistp384', 'P-384'),
  'ecdsa-sha2-nistp521': checkPoint('nistp521', 'P-521'),
  'sk-ssh-ed25519@openssh.com': (reader) => {
    checkEd25519(reader)
    checkApplication(reader)
  },
  'sk-ecdsa-sha2-nistp256@openssh.com': (reader) => {
    checkPoint('nistp256', 'P-256')(reader)
    checkApplication(reader)
  },
}

function checkRsa(reader: Reader): void {
  const e = reader.number()
  const n = reader.number()
  if (e < 3n || e >= n || e % 2n === 0n) throw new BadKey('not an RSA key')
}

function checkDsa(reader: Reader): void {
  const [p, q, g] = [reader.number(), reader.number(), reader.number(), reader.number()] as const
  const length = (value: bigint) => value.toString(2).length
  if (length(p) !== 1024 || ![160, 224, 256].includes(length(q)) || g <= 1n || g >= p) throw new BadKey('not a DSA key')
}

function checkEd25519(reader: Reader): void {
  if (reader.bytes().length !== 32) throw new BadKey('not an Ed25519 key')
}

function checkPoint(name: string, crv: string): (reader: Reader) => void {
  return (reader) => {
    const curve = reader.text()
    const point = reader.bytes()
    const half = (point.length - 1) / 2
    if (curve !== name || point[0] !== 4 || !Number.isInteger(half)) throw new BadKey('not a point of the curve')
    const [x, y] = [point.subarray(1, 1 + half), point.subarray(1 + half)].map((part) => part.toString('base64url'))
    try {
      createPublicKey({ key: { kty: 'EC', crv, x: x!, y: y! }, format: 'jwk' })
    } catch {
      throw new BadKey('not a point of the curve')
    }
  }
}

function checkApplication(reader: Reader): void {
  if (!reader.text().startsWith('ssh:')) throw new BadKey('an application other than SSH')
}

/** What follows the key in a certificate: serial, type, id, principals, two times, options, extensions, a reserved field, the signer's key, the signature. */
function checkCertificate(reader: Reader): void {
  reader.skip(8 + 4)
  reader.bytes()
  const principals = readerOf(reader.bytes())
  while (principals.left() > 0) principals.bytes()
  reader.skip(8 + 8)
  checkOptions(readerOf(reader.bytes()))
  checkOptions(readerOf(reader.bytes()))
  reader.bytes()
  const signer = readerOf(reader.bytes()).text()
  const signature = readerOf(reader.bytes())
  const algorithm = signature.text()
  const agree = signer === 'ssh-rsa' ? ['ssh-rsa', 'rsa-sha2-256', 'rsa-sha2-512'].includes(algorithm) : signer === algorithm
  signature.bytes()
  if (!agree || signature.left() > 0) throw new BadKey('not a signature of the signer')
}

function checkOptions(options: Reader): void {
  let before = ''
  while (options.left() > 0) {
    const name = options.text()
    if (before !== '' && name <= before) throw new BadKey('options out of order')
    before = name
    const value = options.bytes()
    if (value.length > 0) {
      const inner = readerOf(value)
      inner.bytes()
      if (inner.left() > 0) throw new BadKey('something follows the value of an option')
    }
  }
}

/** As Python's binascii.a2b_base64: characters that are none of base64 do not count, missing padding does. */
function decodeBase64(text: string): Buffer {
  const letters = text.replace(/[^A-Za-z0-9+/]/g, '')
  const padding = text.length - text.replaceAll('=', '').length
  const over = letters.length % 4
  if (over === 1 || (over > 0 && over + padding < 4)) throw new BadKey('not base64')
  return Buffer.from(letters, 'base64')
}
