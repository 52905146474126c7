import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { beforeAll, expect, test } from 'vitest'
import type { NewKey } from './new-key.ts'
import { generateX509, x509Fingerprint } from './x509.ts'

const now = Date.UTC(2026, 0, 2, 3, 4, 5)
let made: NewKey
beforeAll(async () => {
  made = await generateX509('3fa2c5', now)
})

test('a new certificate says whose it is, what for and until when, and is signed by its own key', () => {
  const certificate = new X509Certificate(made.publicKey)
  expect(certificate.subject).toBe('CN=3fa2c5')
  expect(certificate.issuer).toBe('CN=3fa2c5')
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(certificate.subjectAltName).toBe('othername:UPN:3fa2c5@localhost')
  expect(certificate.validFromDate).toEqual(new Date(now))
  expect(certificate.validToDate).toEqual(new Date(now + 3650 * 86_400_000))
  expect(certificate.verify(certificate.publicKey)).toBe(true)
  expect(certificate.fingerprint.toLowerCase()).toBe(made.fingerprint)
  expect(x509Fingerprint(made.publicKey)).toBe(made.fingerprint)
})

test('the PKCS #12 file opens with an empty password alone, and holds both halves', () => {
  const pfx = Buffer.from(made.privateKey, 'base64')
  expect(() => createSecureContext({ pfx, passphrase: '' })).not.toThrow()
  expect(() => createSecureContext({ pfx, passphrase: 'x' })).toThrow(/mac verify failure/)
  const changed = Buffer.from(pfx)
  changed[200]! ^= 1
  expect(() => createSecureContext({ pfx: changed, passphrase: '' })).toThrow()
})

test('the encrypted key in it is that of the certificate', () => {
  const pfx = Buffer.from(made.privateKey, 'base64')
  // An EncryptedPrivateKeyInfo under PBES2 stands in it as one piece
  const at = pfx.indexOf(Buffer.from('06092a864886f70d01050d', 'hex')) - 6
  const key = createPrivateKey({ key: pfx.subarray(at), format: 'der', type: 'pkcs8', passphrase: '' })
  expect(new X509Certificate(made.publicKey).checkPrivateKey(key)).toBe(true)
})

const block = (body: string, begin = 'CERTIFICATE', end = begin) => `-----BEGIN ${begin}-----\n${body}\n-----END ${end}-----\n`
const rows: [string, string, RegExp][] = [
  ['nothing', '', /Unable to load PEM file.* MalformedFraming$/],
  ['an SSH key', 'ssh-rsa AAAA', /MalformedFraming$/],
  ['one without an end', '-----BEGIN CERTIFICATE-----\nAAAA', /MalformedFraming$/],
  ['two names', block('AAAA', 'CERTIFICATE', 'KEY'), /MismatchedTags\("CERTIFICATE", "KEY"\)$/],
  ['no base64', block('A!AA'), /InvalidData\(InvalidByte\(1, 33\)\)$/],
  ['base64 cut short', block('AAA'), /InvalidData\(InvalidPadding\)$/],
  ['a private key', block('AAAA', 'RSA PRIVATE KEY'), /Valid PEM but no BEGIN CERTIFICATE/],
  ['no certificate inside', block('AAAA'), /error parsing asn1 value/],
]
for (const [what, pem, message] of rows)
  test(`refused: ${what}`, () => {
    expect(() => x509Fingerprint(pem)).toThrow(/^Keypair data is invalid: failed to generate X509 fingerprint\. Error message: /)
    expect(() => x509Fingerprint(pem)).toThrow(message)
  })

test('another block may come before the certificate', () => {
  expect(x509Fingerprint(block('AAAA', 'PUBLIC KEY') + made.publicKey)).toBe(made.fingerprint)
})

test('times from 2050 on have four digits for the year', async () => {
  const late = await generateX509('x', Date.UTC(2045, 0, 1))
  expect(new X509Certificate(late.publicKey).validToDate.getUTCFullYear()).toBe(2054)
})
