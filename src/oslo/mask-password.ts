/** Blots out passwords, tokens and keys in a text before it is logged (oslo_utils/strutils.py mask_password). */

/** Names whose values are secret, in lower case; a text may hold them in any case and with digits behind. */
const secretNames = [
  'adminpass',
  'admin_pass',
  'password',
  'admin_password',
  'auth_token',
  'new_pass',
  'auth_password',
  'secret_uuid',
  'secret',
  'sys_pswd',
  'token',
  'configdrive',
  'chappassword',
  'encrypted_key',
  'private_key',
  'fernetkey',
  'sslkey',
  'passphrase',
  'cephclusterfsid',
  'octaviaheartbeatkey',
  'rabbitcookie',
  'cephmanilaclientkey',
  'pacemakerremoteauthkey',
  'designaterndckey',
  'cephadminkey',
  'heatauthencryptionkey',
  'cephclientkey',
  'keystonecredential',
  'barbicansimplecryptokek',
  'cephrgwkey',
  'swifthashsuffix',
  'migrationsshkey',
  'cephmdskey',
  'cephmonkey',
  'chapsecret',
]

/** Each hides what stands between its first and its second group. */
const betweenGroups = [
  (key: string) => `(${key}[0-9]*\\s*=\\s*["'])[^"']*(["'])`,
  (key: string) => `(${key}[0-9]*\\s*=\\s*")[^"]*(")`,
  (key: string) => `(${key}[0-9]*\\s*=\\s*')[^']*(')`,
  (key: string) => `(${key}[0-9]*\\s+["'])[^"']*(["'])`,
  (key: string) => `(--${key}[0-9]*\\s+)[^'^"^=^\\s]+(\\s*)`,
  (key: string) => `(<${key}[0-9]*>)[^<]*(</${key}[0-9]*>)`,
  (key: string) => `(["']${key}[0-9]*["']\\s*:\\s*["'])[^"']*(["'])`,
  (key: string) => `(['"][^"']*${key}[0-9]*['"]\\s*:\\s*u?['"])[^"']*(['"])`,
  (key: string) => `(['"][^'"]*${key}[0-9]*['"]\\s*,\\s*'--?[A-z]+'\\s*,\\s*u?['"])[^"']*(['"])`,
  (key: string) => `(${key}[0-9]*\\s*--?[A-z]+\\s*)\\S+(\\s*)`,
]
const afterGroup = (key: string) => `(${key}[0-9]*\\s*=\\s*)[^\\s^'^"]+`
/** A value with quotes inside of quotes: what follows its last inner quote goes. */
const withInnerQuotes = (key: string) => `(['"][^"']*${key}[0-9]*['"]\\s*:\\s*u?['"].*['"])[^"']*(['"])`

const compiled = secretNames.map((key) => ({
  key,
  rules: [
    ...betweenGroups.map((pattern) => [new RegExp(pattern(key), 'gis'), '$1***$2'] as const),
    [new RegExp(afterGroup(key), 'gis'), '$1***'] as const,
    [new RegExp(withInnerQuotes(key), 'gis'), '$1'] as const,
  ],
}))

/** Fragments of which every secret name holds one: most texts hold none, and are looked at once only. */
const suspicious = /pass|pswd|token|secret|key|configdrive|credential|cookie|cryptokek|fsid|hashsuffix/i

/** The text with `***` in place of each secret value. */
export function maskPassword(text: string): string {
  if (!suspicious.test(text)) return text
  let masked = text
  for (const { key, rules } of compiled) {
    if (!masked.toLowerCase().includes(key)) continue
    for (const [pattern, replacement] of rules) masked = masked.replace(pattern, replacement)
  }
  return masked
}
