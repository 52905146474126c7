/** What is wrong with an object from elsewhere, or with one that shall go out. */

/** A value that its field does not take; `at` is the path to it, such as `Instance.flavor.vcpus`. */
export class InvalidField extends Error {
  override readonly name = 'InvalidField'
  readonly at: string
  /** Without the path. */
  readonly reason: string
  constructor(at: string, reason: string) {
    super(`${at}: ${reason}`)
    this.at = at
    this.reason = reason
  }
}

/** Another object than the one expected, or no object at all. */
export class UnexpectedObject extends Error {
  override readonly name = 'UnexpectedObject'
}

/** An object of a version that this release does not know. */
export class IncompatibleObjectVersion extends Error {
  override readonly name = 'IncompatibleObjectVersion'
}

/** A field that was needed and that the object came without. */
export class FieldNotLoaded extends Error {
  override readonly name = 'FieldNotLoaded'
}
