/** A certificate with its private key in one file, as `openssl pkcs12 -export` writes it: PKCS #12 (RFC 7292), the key encrypted, all of it authenticated. */
import { createHash, createHmac, type KeyObject, randomBytes } from 'node:crypto'
import { type Der, explicit, integer, none, octets, oid, sequence, set } from './der.ts'

const ids = {
  data: '1.2.840.113549.1.7.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  localKeyId: '1.2.840.113549.1.9.21',
  sha256: '2.16.840.1.101.3.4.2.1',
}

const iterations = 2048

/** The file's bytes. */
export function pkcs12(certificate: Der, privateKey: KeyObject, password: string): Der {
  const keyId = sequence(oid(ids.localKeyId), set(octets(createHash('sha1').update(certificate).digest())))
  const certBag = sequence(oid(ids.x509Certificate), explicit(0, octets(certificate)))
  const key = privateKey.export({ type: 'pkcs8', format: 'der', cipher: 'aes-256-cbc', passphrase: password })
  const safe = sequence(
    dataOf(sequence(bag(ids.certBag, certBag, keyId))), //
    dataOf(sequence(bag(ids.shroudedKeyBag, key, keyId))),
  )
  return sequence(integer(3), dataOf(safe), macOf(safe, password))
}

const dataOf = (content: Der): Der => sequence(oid(ids.data), explicit(0, octets(content)))
const bag = (id: string, content: Der, attributes: Der): Der => sequence(oid(id), explicit(0, content), set(attributes))

function macOf(safe: Der, password: string): Der {
  const salt = randomBytes(8)
  const digest = createHmac('sha256', macKey(password, salt)).update(safe).digest()
  return sequence(sequence(sequence(oid(ids.sha256), none), octets(digest)), octets(salt), integer(iterations))
}

/** RFC 7292 appendix B.2 with SHA-256, for one block of key: the password in UTF-16 with a zero at its end. */
function macKey(password: string, salt: Uint8Array): Uint8Array {
  const block = 64
  const secret = Buffer.from(`${password}\0`, 'utf16le').swap16()
  const purpose = Buffer.alloc(block, 3)
  let key: Uint8Array = Buffer.concat([purpose, repeated(salt, block), repeated(secret, block)])
  for (let i = 0; i < iterations; i++) key = createHash('sha256').update(key).digest()
  return key
}

const repeated = (bytes: Uint8Array, block: number): Uint8Array => Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes)
