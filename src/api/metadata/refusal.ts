/** What the metadata service answers when it does not answer: only statuses that Neutron's agent hands on to guests. */

const refusals = {
  400: ['Bad Request', ''],
  403: ['Forbidden', 'Invalid proxy request signature.'],
  404: ['Not Found', 'The resource could not be found.'],
  409: ['Conflict', 'There was a conflict when trying to complete your request.'],
  500: ['Internal Server Error', 'An unknown error has occurred. Please try your request again.'],
} as const

/** Thrown where it happens, caught by the application alone. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: keyof typeof refusals
  /** Without `explanation` that of its status. */
  constructor(status: keyof typeof refusals, explanation?: string) {
    super(explanation ?? refusals[status][1])
    this.status = status
  }

  get title(): string {
    return refusals[this.status][0]
  }
}
