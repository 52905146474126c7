/** Which of some media types a client takes, best first (WebOb's `acceptable_offers`). */

interface Range {
  /** `type/subtype`, `type/*` or `*` in lower case. */
  readonly name: string
  readonly quality: number
}

const element =
  /^\s*([!#$%&'*+.^_`|~\w-]+\/[!#$%&'*+.^_`|~\w-]+)\s*((?:;\s*[!#$%&'*+.^_`|~\w-]+(?:=(?:[!#$%&'*+.^_`|~\w-]+|"(?:[^"\\]|\\.)*"))?\s*)*)$/

/** The offers that `accept` takes, best first, equals in the order given. No header, or one that is malformed, takes all. */
export function acceptable(accept: string | undefined, offers: readonly string[]): string[] {
  const ranges = accept === undefined ? undefined : parse(accept)
  if (!ranges) return [...offers]
  return offers
    .map((offer) => ({ offer, quality: qualityOf(offer, ranges) }))
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ offer }) => offer)
}

function qualityOf(offer: string, ranges: readonly Range[]): number {
  const major = offer.slice(0, offer.indexOf('/'))
  for (const name of [offer, `${major}/*`, '*/*']) {
    const found = ranges.find((range) => range.name === name)
    if (found) return found.quality
  }
  return 0
}

/** Ranges without parameters but q: offers have none, so that others match nothing. Undefined when the header is malformed. */
function parse(accept: string): Range[] | undefined {
  const ranges: Range[] = []
  for (const part of accept.split(',')) {
    if (part.trim() === '') continue
    const match = element.exec(part)
    if (!match) return undefined
    const parameters = match[2]!
      .split(';')
      .map((one) => one.trim())
      .filter(Boolean)
    const q = parameters.findIndex((one) => /^q=/i.test(one))
    if (q > 0 || (q < 0 && parameters.length > 0)) continue
    const quality = q < 0 ? 1 : Number(parameters[0]!.slice(2))
    if (Number.isNaN(quality)) return undefined
    ranges.push({ name: match[1]!.toLowerCase(), quality })
  }
  return ranges
}
