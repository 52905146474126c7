/** What a new volume service begins with. What somebody removes later stays removed. */
import type { VolumeType } from './documents.ts'
import type { Cinder } from './state.ts'

export interface SeedType {
  readonly name: string
  readonly description?: string
  readonly extraSpecs?: Readonly<Record<string, string>>
}

/** Cinder's own first type, that of volumes for which none is asked, and one whose volumes several servers may have. */
export const usualTypes = ({ settings }: Pick<Cinder, 'settings'>): SeedType[] => [
  { name: '__DEFAULT__', description: 'Default Volume Type' },
  { name: 'multi', extraSpecs: { multiattach: '<is> True' } },
  { name: settings.defaultType },
]

/** Makes the types that were never there. */
export function seedTypes({ store, clock, ids }: Cinder, types: readonly SeedType[]): void {
  store.write(() => {
    for (const [order, { name, description, extraSpecs }] of types.entries()) {
      if (store.seeded.get(name)) continue
      store.seeded.put({ id: name })
      const type: VolumeType = {
        id: ids.uuid(),
        name,
        description: description ?? null,
        is_public: true,
        extra_specs: extraSpecs ?? {},
        qos_specs_id: null,
        projects: [],
        // One after the other, since lists begin with the newest.
        created_at: clock.now() + order,
        updated_at: null,
      }
      if (store.types.by('name', name).length === 0) store.types.put(type)
    }
  })
}
