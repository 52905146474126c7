/** Certificates by which Windows servers know their users: fingerprints of those that are given, and new ones. */
import { createHash, createPrivateKey, generateKeyPair, randomBytes, sign, X509Certificate } from 'node:crypto'
import { promisify } from 'node:util'
import { Fault } from '../faults.ts'
import { bits, type Der, explicit, integer, none, octets, oid, sequence, set, time, utf8 } from './der.ts'
import type { NewKey } from './new-key.ts'
import { pkcs12 } from './pkcs12.ts'

/** SHA-1 of the first certificate in a PEM text, as pairs of digits. Throws `invalidKeyPair`. */
export function x509Fingerprint(pem: string): string {
  try {
    return new X509Certificate(certificateIn(pem)).fingerprint.toLowerCase()
  } catch (error) {
    throw new Fault(
      'invalidKeyPair',
      `failed to generate X509 fingerprint. Error message: ${error instanceof BadPem ? error.message : unread}`,
    )
  }
}

class BadPem extends Error {}

// What pyca/cryptography says, which Nova hands on
const unread = 'error parsing asn1 value: ParseError { kind: InvalidValue }'
const noPem = (why: string) =>
  new BadPem(`Unable to load PEM file. See https://cryptography.io/en/latest/faq/#why-can-t-i-import-my-pem-file for more details. ${why}`)

function certificateIn(pem: string): Buffer {
  const blocks = [...pem.matchAll(/-----BEGIN ([^-]*)-----([^-]*)-----END ([^-]*)-----/g)]
  if (blocks.length === 0) throw noPem('MalformedFraming')
  for (const [, begin, , end] of blocks) if (begin !== end) throw noPem(`MismatchedTags("${begin}", "${end}")`)
  const found = blocks.find(([, tag]) => tag === 'CERTIFICATE' || tag === 'X509 CERTIFICATE')
  if (!found) throw new BadPem('Valid PEM but no BEGIN CERTIFICATE/END CERTIFICATE delimiters. Are you sure this is a certificate?')
  const text = found[2]!.replace(/\s/g, '')
  const bad = /[^A-Za-z0-9+/=]/.exec(text)
  if (bad) throw noPem(`InvalidData(InvalidByte(${bad.index}, ${bad[0].charCodeAt(0)}))`)
  if (text.length % 4 !== 0) throw noPem('InvalidData(InvalidPadding)')
  return Buffer.from(text, 'base64')
}

const tenYears = 3650 * 86_400_000

/** A certificate for a user, with its private key: PKCS #12 with an empty password, in base64. nova/crypto.py generate_winrm_x509_cert */
export async function generateX509(userId: string, now: number): Promise<NewKey> {
  const { privateKey: key, publicKey: spki } = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const privateKey = createPrivateKey(key)
  const body = toBeSigned({ userId, spki, from: now, until: now + tenYears })
  const certificate = sequence(body, sha256WithRsa, bits(sign('sha256', body, privateKey)))
  const lines = Buffer.from(certificate).toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  const publicKey = `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
  return {
    publicKey,
    privateKey: Buffer.from(pkcs12(certificate, privateKey, '')).toString('base64'),
    fingerprint: createHash('sha1')
      .update(certificate)
      .digest('hex')
      .replace(/..(?=.)/g, '$&:'),
  }
}

const sha256WithRsa = sequence(oid('1.2.840.113549.1.1.11'), none)

interface Subject {
  readonly userId: string
  /** The public key as a SubjectPublicKeyInfo. */
  readonly spki: Der
  readonly from: number
  readonly until: number
}

function toBeSigned({ userId, spki, from, until }: Subject): Der {
  const name = sequence(set(sequence(oid('2.5.4.3'), utf8(userId))))
  const clientAuth = sequence(oid('1.3.6.1.5.5.7.3.2'))
  // The name by which Active Directory knows the user
  const upn = sequence(explicit(0, oid('1.3.6.1.4.1.311.20.2.3'), explicit(0, utf8(`${userId}@localhost`))))
  const serial = BigInt(`0x${randomBytes(19).toString('hex')}`) + 1n
  return sequence(
    explicit(0, integer(2)),
    integer(serial),
    sha256WithRsa,
    name,
    sequence(time(from), time(until)),
    name,
    spki,
    explicit(
      3,
      sequence(
        sequence(oid('2.5.29.37'), octets(clientAuth)), //
        sequence(oid('2.5.29.17'), octets(upn)),
      ),
    ),
  )
}
