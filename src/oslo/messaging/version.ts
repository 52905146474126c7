/** Versions of RPC interfaces: `major.minor`, sometimes with a revision. */

/**
 * Whether who implements `implemented` serves a request for `requested`: same major, not a later minor, in the same minor not a later revision.
 * oslo_messaging/_utils.py version_is_compatible
 */
export function isCompatible(implemented: string, requested: string): boolean {
  const [major, minor, revision = 0] = numbersOf(implemented)
  const [wantedMajor, wantedMinor, wantedRevision = 0] = numbersOf(requested)
  if (major === undefined || minor === undefined || wantedMajor !== major || wantedMinor === undefined || wantedMinor > minor) return false
  return wantedMinor < minor || wantedRevision <= revision
}

/** What is no number makes every comparison false. */
const numbersOf = (version: string): number[] => version.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : Number.NaN))
