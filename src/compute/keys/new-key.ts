/** A key pair that was just made. The private half is told once and kept nowhere. */
export interface NewKey {
  readonly publicKey: string
  readonly privateKey: string
  readonly fingerprint: string
}
