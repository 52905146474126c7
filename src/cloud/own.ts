/** Reading records by keys that clients choose. */

/** What a record holds under a key; undefined for what every object inherits, such as `constructor`. */
export const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined
