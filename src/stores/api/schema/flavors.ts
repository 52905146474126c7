/** Flavors, their extra specs and who may use them. */
import { boolean, float, id, integer, type Schema, string, table, text } from '../../../oslo/database/schema.ts'
import { timestamps } from '../../columns.ts'

export const flavorsTables = {
  flavors: table(
    {
      ...timestamps,
      name: string(255).required(),
      id: id(),
      memory_mb: integer().required(),
      vcpus: integer().required(),
      swap: integer().required().initially(0),
      vcpu_weight: integer(),
      flavorid: string(255).required(),
      rxtx_factor: float().initially(1),
      root_gb: integer(),
      ephemeral_gb: integer(),
      disabled: boolean().initially(false),
      is_public: boolean().initially(true),
      description: text(),
    },
    {
      unique: { uniq_flavors0flavorid: ['flavorid'], uniq_flavors0name: ['name'] },
    },
  ),
  flavor_extra_specs: table(
    {
      ...timestamps,
      id: id(),
      flavor_id: integer().required(),
      key: string(255).required(),
      value: string(255),
    },
    {
      unique: { uniq_flavor_extra_specs0flavor_id0key: ['flavor_id', 'key'] },
      indexes: { flavor_extra_specs_flavor_id_key_idx: ['flavor_id', 'key'] },
      foreignKeys: [['flavor_id', 'flavors.id']],
    },
  ),
  flavor_projects: table(
    {
      ...timestamps,
      id: id(),
      flavor_id: integer().required(),
      project_id: string(255).required(),
    },
    {
      unique: { uniq_flavor_projects0flavor_id0project_id: ['flavor_id', 'project_id'] },
      foreignKeys: [['flavor_id', 'flavors.id']],
    },
  ),
} satisfies Schema
