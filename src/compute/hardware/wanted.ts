/** What flavor and image say of a guest: extra specs `hw:*` and properties `hw_*`, which must not contradict each other (nova/virt/hardware.py). */
import { InvalidField } from '../../oslo/objects/errors.ts'
import { parseCpuSpec } from '../../stores/objects/cpu-spec.ts'
import type { ImageMeta } from '../../stores/objects/image-meta.ts'
import type { ImageMetaProps } from '../../stores/objects/image-meta-props.ts'
import { Fault } from '../faults.ts'

/** As much of a flavor as decides about the guest. */
export interface GuestFlavor {
  readonly name: string
  readonly vcpus: number
  readonly memoryMb: number
  readonly extraSpecs: Readonly<Record<string, string>>
}

export type GuestImage = Pick<ImageMeta, 'id' | 'name' | 'properties'>

type PropertyName = keyof ImageMetaProps & string

/** The image's value of a property, converted; undefined when it has none. */
export const property = <K extends PropertyName>(image: GuestImage, key: K): ImageMetaProps[K] => image.properties?.[key]

/** The text that a flavor has under `hw:<key>`. */
export const spec = ({ extraSpecs }: GuestFlavor, key: string): string | undefined =>
  Object.hasOwn(extraSpecs, `hw:${key}`) ? extraSpecs[`hw:${key}`] : undefined

/** A switch of the flavor: anything that is not a word for yes is no. */
export function specSwitch(flavor: GuestFlavor, key: string): boolean | undefined {
  const text = spec(flavor, key)
  return text === undefined ? undefined : isYes(text)
}

export const isYes = (text: string): boolean => /^(1|t|true|on|y|yes)$/i.test(text.trim())

/** A refusal of flavor and image together. */
export const unfit = (text: string): Fault => new Fault('unfitFlavorImage', text)

/** A whole number in an extra spec; `refusal` makes a Fault of Python's complaint about any other text. */
export function specInteger(text: string, refusal: (complaint: string) => Fault): number {
  if (!/^\s*[+-]?\d+(_\d+)*\s*$/.test(text)) throw refusal(`invalid literal for int() with base 10: '${text}'`)
  return Number(text.replaceAll('_', ''))
}

export const badSpec = (complaint: string): Fault => unfit(`Invalid flavor extra spec. Error: ${complaint}`)

/** Processors that a text names. */
export function processors(text: string): Set<number> {
  try {
    return new Set(parseCpuSpec(text))
  } catch (error) {
    if (error instanceof InvalidField) throw unfit(error.reason)
    throw error
  }
}

/** Processors that a mask names; one that starts with `^` leaves out of all. */
export const masked = (mask: string, vcpus: number): Set<number> =>
  processors(mask.trim().startsWith('^') ? `0-${vcpus - 1},${mask}` : mask)

/** Whether all of the first are among the second. */
export const within = (inner: ReadonlySet<number>, outer: ReadonlySet<number>): boolean => [...inner].every((each) => outer.has(each))

export const range = (count: number): Set<number> => new Set(Array.from({ length: count }, (_, i) => i))

/** Refuses a value of the flavor that contradicts the image's. */
export function sameUnless<T>(
  key: string,
  flavor: GuestFlavor,
  image: GuestImage,
  flavorValue: T | undefined,
  imageValue: T | undefined,
): void {
  if (flavorValue === undefined || imageValue === undefined || flavorValue === imageValue) return
  throw unfit(
    `Flavor ${flavor.name} has hw:${key} extra spec explicitly set to ${shown(flavorValue)}, conflicting with image ${image.name} which has hw_${key} explicitly set to ${shown(imageValue)}.`,
  )
}

/** As Python prints it. */
export const shown = (value: unknown): string =>
  value === true ? 'True' : value === false ? 'False' : value === undefined ? 'None' : String(value)

/** A tuple of words as Python prints it. */
export const words = (values: readonly string[]): string => `(${values.map((value) => `'${value}'`).join(', ')})`
