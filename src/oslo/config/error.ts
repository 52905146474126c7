/** What is wrong with a configuration: where it stands, which option, and why. */

/** Where a value was given. */
export type Place =
  | { readonly kind: 'file'; readonly file: string; readonly line: number }
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'argument'; readonly name: string }

/** `/etc/nova/nova.conf:12`, `environment variable OS_API__MAX_LIMIT`, `argument --debug`. */
export function describePlace(place: Place): string {
  if (place.kind === 'file') return `${place.file}:${place.line}`
  return place.kind === 'environment' ? `environment variable ${place.name}` : `argument ${place.name}`
}

/** A file that is missing or unreadable, a line that is no assignment, or a value that its option does not take. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly place: Place | undefined
  /** `[group] name`, when an option is to blame. */
  readonly option: string | undefined
  readonly reason: string
  constructor(reason: string, { place, option, cause }: { place?: Place | undefined; option?: string | undefined; cause?: unknown } = {}) {
    super([place && describePlace(place), option, reason].filter(Boolean).join(': '), { cause })
    this.place = place
    this.option = option
    this.reason = reason
  }
}
