/** Security groups of nova-network; Neutron has them now and these stay empty. */
import { address, id, integer, type Schema, string, table } from '../../../oslo/database/schema.ts'
import { softDeleted } from '../../columns.ts'

export const securityGroupsTables = {
  security_groups: table(
    {
      ...softDeleted,
      id: id(),
      name: string(255),
      description: string(255),
      user_id: string(255),
      project_id: string(255),
      deleted: integer().initially(0),
    },
    {
      unique: { uniq_security_groups0project_id0name0deleted: ['project_id', 'name', 'deleted'] },
    },
  ),
  security_group_rules: table(
    {
      ...softDeleted,
      id: id(),
      parent_group_id: integer(),
      protocol: string(255),
      from_port: integer(),
      to_port: integer(),
      cidr: address(43),
      group_id: integer(),
      deleted: integer().initially(0),
    },
    {
      foreignKeys: [
        ['parent_group_id', 'security_groups.id'],
        ['group_id', 'security_groups.id'],
      ],
    },
  ),
  security_group_instance_association: table(
    {
      ...softDeleted,
      id: id(),
      security_group_id: integer(),
      instance_uuid: string(36),
      deleted: integer().initially(0),
    },
    {
      indexes: { security_group_instance_association_instance_uuid_idx: ['instance_uuid'] },
      foreignKeys: [
        ['security_group_id', 'security_groups.id', 'security_group_instance_association_ibfk_1'],
        ['instance_uuid', 'instances.uuid', 'security_group_instance_association_instance_uuid_fkey'],
      ],
      mysql: { indexes: { security_group_id: ['security_group_id'] } },
    },
  ),
} satisfies Schema
