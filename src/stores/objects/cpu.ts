/** The processor of a guest. */
import { integer, listOf, text } from '../../oslo/objects/fields.ts'
import { defineObject, type ObjectValue, object } from '../../oslo/objects/object.ts'
import { architecture, cpuFeaturePolicy, cpuMatch, cpuMode } from './enums.ts'

/** Sockets, cores and threads that a guest sees. */
export const VirtCPUTopology = defineObject('VirtCPUTopology', '1.0', {
  sockets: integer.orNull().initially(1),
  cores: integer.orNull().initially(1),
  threads: integer.orNull().initially(1),
})
export type VirtCPUTopology = ObjectValue<typeof VirtCPUTopology>

/** A feature of the processor, wanted or unwanted. */
export const VirtCPUFeature = defineObject('VirtCPUFeature', '1.0', {
  policy: cpuFeaturePolicy.orNull(),
  name: text,
})
export type VirtCPUFeature = ObjectValue<typeof VirtCPUFeature>

export const VirtCPUModel = defineObject('VirtCPUModel', '1.0', {
  arch: architecture.orNull(),
  vendor: text.orNull(),
  topology: object(VirtCPUTopology).orNull(),
  features: listOf(object(VirtCPUFeature)).initially([]),
  mode: cpuMode.orNull(),
  model: text.orNull(),
  match: cpuMatch.orNull(),
})
export type VirtCPUModel = ObjectValue<typeof VirtCPUModel>
