/** Volume types as other parts need them: found by id or name, and the one that is meant when none is named. */
import { isUuidLike } from '../uuid.ts'
import type { VolumeType } from './documents.ts'
import { fault, invalidInput, noType, noTypeNamed } from './faults.ts'
import type { Cinder, VolumeCall } from './state.ts'

const sees = ({ caller }: VolumeCall, { is_public, projects }: VolumeType): boolean =>
  caller.isAdmin || is_public || (caller.projectId !== null && projects.includes(caller.projectId))

/** 404 when it is not there, or not for this caller. */
export function findType(call: VolumeCall, id: string): VolumeType {
  const type = call.store.types.get(id)
  if (!type || !sees(call, type)) throw noType(id)
  return type
}

/** By id or name. */
export function typeNamed(call: VolumeCall, reference: string): VolumeType {
  const byId = isUuidLike(reference) ? call.store.types.get(reference) : undefined
  const type = byId ?? call.store.types.by('name', reference)[0]
  if (!type || !sees(call, type)) throw isUuidLike(reference) ? noType(reference) : noTypeNamed(reference)
  return type
}

export const visibleTypes = (call: VolumeCall): VolumeType[] => call.store.types.filter((type) => sees(call, type))

/** The type of a volume for which none is asked: the project's own, or everybody's. */
export function defaultTypeFor(call: VolumeCall): VolumeType {
  const own = call.store.defaultTypes.get(call.projectId)
  const type = own ? call.store.types.get(own.volume_type_id) : defaultType(call)
  if (type) return type
  throw fault(500, `The request cannot be fulfilled as the default volume type ${call.settings.defaultType} cannot be found.`)
}

export const defaultType = ({ store, settings }: Cinder): VolumeType | undefined => store.types.by('name', settings.defaultType)[0]

/** cinder/volume/api.py API._is_multiattach */
export const isMultiattach = ({ extra_specs }: VolumeType): boolean => extra_specs.multiattach === '<is> True'

/** 400 for a size that the type does not allow (cinder/volume/volume_types.py provision_filter_on_size). */
export function checkTypeSize({ extra_specs, name }: VolumeType, size: number): void {
  const least = extra_specs['provisioning:min_vol_size']
  const most = extra_specs['provisioning:max_vol_size']
  const refuse = (relation: string, limit: string) =>
    invalidInput(`Specified volume size of '${size}' is ${relation} size of '${limit}' for volume type '${name}'.`)
  if (least && size < Number(least)) throw refuse('less than the minimum required', least)
  if (most && size > Number(most)) throw refuse('greater than the maximum allowable', most)
}
