/** Key pairs. */
import { choice, id, type Schema, string, table, text } from '../../../oslo/database/schema.ts'
import { timestamps } from '../../columns.ts'

export const keyPairsTables = {
  key_pairs: table(
    {
      ...timestamps,
      id: id(),
      name: string(255).required(),
      user_id: string(255).required(),
      fingerprint: string(255),
      public_key: text(),
      type: choice('keypair_types', ['ssh', 'x509']).default('ssh'),
    },
    {
      unique: { uniq_key_pairs0user_id0name: ['user_id', 'name'] },
    },
  ),
} satisfies Schema
