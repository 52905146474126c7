/** Standard and custom names: traits and resource classes. */
import { resourceClasses as standardClasses, traits as standardTraits } from '../../oslo/resource-names.ts'
import type { Store } from './store.ts'

export const isStandardClass = (name: string): boolean => standardClasses.includes(name)

/** Standard ones first, in the order of their numbers. */
export const classNames = (store: Store): string[] => [...standardClasses, ...store.resourceClasses.all().map(({ id }) => id)]
export const classExists = (store: Store, name: string): boolean => isStandardClass(name) || store.resourceClasses.get(name) !== undefined

/** In the order of the alphabet. */
export const traitNames = (store: Store): string[] => [...standardTraits, ...store.traits.all().map(({ id }) => id)].sort()
export const traitExists = (store: Store, name: string): boolean => standardTraits.has(name) || store.traits.get(name) !== undefined

export const noClass = (name: string): string => `No such resource class ${name}.`
export const noTrait = (name: string): string => `No such trait(s): ${name}.`

/** By the number of the class, as Placement's tables give them. */
export function inClassOrder<T>(store: Store, values: Readonly<Record<string, T>>): [name: string, value: T][] {
  const order = classNames(store)
  return Object.entries(values).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b))
}
