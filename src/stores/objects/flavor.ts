/** Flavors as they travel with servers. */
import { boolean, dictOf, float, integer, listOf, text } from '../../oslo/objects/fields.ts'
import { defineList, defineObject, type ObjectValue } from '../../oslo/objects/object.ts'
import { persistent } from './common.ts'

export const Flavor = defineObject('Flavor', '1.2', {
  id: integer,
  name: text.orNull(),
  memory_mb: integer,
  vcpus: integer,
  root_gb: integer,
  ephemeral_gb: integer,
  flavorid: text,
  swap: integer,
  rxtx_factor: float.orNull().initially(1),
  vcpu_weight: integer.orNull(),
  disabled: boolean,
  is_public: boolean,
  extra_specs: dictOf(text),
  projects: listOf(text),
  description: text.orNull(),
  ...persistent,
})
export type Flavor = ObjectValue<typeof Flavor>

export const FlavorList = defineList('FlavorList', '1.1', Flavor)
export type FlavorList = ObjectValue<typeof FlavorList>

/** The flavors that a server keeps: what it has now, and while it is resized what it had and shall have. */
export interface InstanceFlavors {
  flavor: Flavor
  old_flavor: Flavor | null
  new_flavor: Flavor | null
}

/** The column instance_extra.flavor. nova/objects/instance.py Instance._flavor_from_db */
export function flavorsFromColumn(json: string): InstanceFlavors {
  const { cur, old, new: next } = JSON.parse(json) as { cur: unknown; old: unknown; new: unknown }
  return { flavor: readOld(cur), old_flavor: old ? readOld(old) : null, new_flavor: next ? readOld(next) : null }
}

/** Descriptions are not kept. nova/objects/instance.py Instance._nullify_flavor_description */
export function flavorsToColumn({ flavor, old_flavor, new_flavor }: InstanceFlavors): string {
  const wire = (one: Flavor | null) => one && Flavor.toWire(one.description === undefined ? one : { ...one, description: null })
  return JSON.stringify({ cur: wire(flavor), old: wire(old_flavor), new: wire(new_flavor) })
}

/** Flavors of very old servers lack these two. */
const readOld = (wire: unknown): Flavor => ({ disabled: false, is_public: true, ...Flavor.unchanged(Flavor.fromWire(wire)) })
