/** Times in the forms that Nova reads with strptime. */

interface Form {
  /** What stands between date and time. */
  readonly between: 'T' | ' '
  /** Whether a fraction of the second follows. */
  readonly fraction: 'must' | 'maybe' | 'never'
}

const fractions = { must: '\\.\\d{1,6}', maybe: '(?:\\.\\d{1,6})?', never: '' }

/** Milliseconds since 1970, of a time in UTC, to the microsecond (a number has room for it until 2255); undefined for any other text. */
export function parsedTime(text: string, { between, fraction }: Form): number | undefined {
  const found = new RegExp(`^(\\d{4})-(\\d{1,2})-(\\d{1,2})${between}(\\d{1,2}):(\\d{1,2}):(\\d{1,2})(${fractions[fraction]})$`).exec(text)
  if (!found) return undefined
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number) as [number, number, number, number, number, number]
  const time = new Date(Date.UTC(year, month - 1, day, hour, minute, second))
  const fits = time.getUTCMonth() === month - 1 && time.getUTCDate() === day && hour < 24 && minute < 60 && second < 60
  return fits ? time.getTime() + Number(`0${found[7]}`) * 1000 : undefined
}
