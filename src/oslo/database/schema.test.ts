import type { Insertable, Selectable, Updateable } from 'kysely'
import { expect, expectTypeOf, test } from 'vitest'
import { createStatements } from './ddl.ts'
import {
  address,
  bigId,
  boolean,
  choice,
  datetime,
  float,
  id,
  initial,
  integer,
  json,
  mediumText,
  type Schema,
  shadow,
  shadows,
  string,
  type TablesOf,
  table,
} from './schema.ts'
import type { Engine } from './url.ts'

const hosts = table(
  {
    id: id(),
    name: string(20).required(),
    kind: choice('host_kind', ['kvm', "xen's"]).default('kvm'),
    up: boolean().initially(false),
    seen: datetime(),
    load: float(),
    ip: address(39),
    facts: json(),
    deleted: integer().initially(0),
  },
  {
    unique: { uniq_hosts0name: ['name', 'deleted'] },
    indexes: { hosts_seen_idx: ['seen'] },
    uniqueIndexes: { hosts_ip_idx: ['ip'] },
    mysql: { charset: 'latin1', columnCharsets: { name: 'CHARACTER SET utf8' }, prefixes: { hosts_seen_idx: { seen: 3 } } },
  },
)
const schema = {
  agents: table(
    { id: bigId(), host_id: integer().required(), log: mediumText() },
    { foreignKeys: [['host_id', 'hosts.id', 'agents_host_fk']], mysql: { indexes: { host_id: ['host_id'] } } },
  ),
  hosts,
} satisfies Schema

type Tables = TablesOf<typeof schema>

test('rows have the types that the columns say', () => {
  expectTypeOf<Selectable<Tables['hosts']>>().toEqualTypeOf<{
    id: number
    name: string
    kind: 'kvm' | "xen's"
    up: boolean | 0 | 1 | null
    seen: string | null
    load: number | null
    ip: string | null
    facts: string | null
    deleted: number | null
  }>()
  expectTypeOf<{ name: string }>().toExtend<Insertable<Tables['hosts']>>()
  expectTypeOf<{ name: string; kind: 'kvm'; up: true; deleted: null }>().toExtend<Insertable<Tables['hosts']>>()
  expectTypeOf<Record<never, never>>().not.toExtend<Insertable<Tables['hosts']>>()
  expectTypeOf<{ name: null }>().not.toExtend<Insertable<Tables['hosts']>>()
  expectTypeOf<{ name: string; kind: 'vmware' }>().not.toExtend<Insertable<Tables['hosts']>>()
  expectTypeOf<{ name: string; up: 1 }>().not.toExtend<Insertable<Tables['hosts']>>()
  expectTypeOf<{ up: null }>().toExtend<Updateable<Tables['hosts']>>()
  expectTypeOf<{ name: null }>().not.toExtend<Updateable<Tables['hosts']>>()
  // @ts-expect-error a rule names a column that is not there
  table({ id: id() }, { indexes: { wrong: ['name'] } })
})

test('initial values are those that the models fill in', () => {
  const values = initial(hosts)
  expectTypeOf(values).toEqualTypeOf<{ up: boolean; deleted: number }>()
  expect(values).toEqual({ up: false, deleted: 0 })
  expect(initial(schema.agents)).toEqual({})
})

test('a shadow has the columns and the key, and neither constraints nor indexes', () => {
  const { shadow_agents } = shadows(schema)
  expect(shadow_agents.columns).toEqual(schema.agents.columns)
  expect(shadow_agents.rules).toEqual({ primaryKey: ['id'], mysql: {} })
  const changed = shadow(hosts, { name: string(5) })
  expectTypeOf<Selectable<TablesOf<{ h: typeof changed }>['h']>['name']>().toEqualTypeOf<string | null>()
  expect(Object.keys(changed.columns)).toEqual(Object.keys(hosts.columns))
  expect(changed.columns.name.facts).toEqual({ kind: 'string', length: 5, nullable: true })
  expect(changed.rules.mysql).toEqual({ charset: 'latin1' })
})

const statements: Record<Engine, string[]> = {
  sqlite: [
    `CREATE TABLE "hosts" (
	"id" INTEGER NOT NULL,
	"name" VARCHAR(20) NOT NULL,
	"kind" VARCHAR(5) DEFAULT 'kvm' NOT NULL,
	"up" BOOLEAN,
	"seen" DATETIME,
	"load" FLOAT,
	"ip" VARCHAR(39),
	"facts" TEXT,
	"deleted" INTEGER,
	PRIMARY KEY ("id"),
	CONSTRAINT "uniq_hosts0name" UNIQUE ("name", "deleted")
)`,
    `CREATE TABLE "agents" (
	"id" INTEGER NOT NULL,
	"host_id" INTEGER NOT NULL,
	"log" TEXT,
	PRIMARY KEY ("id"),
	CONSTRAINT "agents_host_fk" FOREIGN KEY("host_id") REFERENCES "hosts" ("id")
)`,
    'CREATE UNIQUE INDEX "hosts_ip_idx" ON "hosts" ("ip")',
    'CREATE INDEX "hosts_seen_idx" ON "hosts" ("seen")',
  ],
  mysql: [
    `CREATE TABLE \`hosts\` (
	\`id\` INTEGER AUTO_INCREMENT NOT NULL,
	\`name\` VARCHAR(20) CHARACTER SET utf8 NOT NULL,
	\`kind\` ENUM('kvm', 'xen''s') DEFAULT 'kvm' NOT NULL,
	\`up\` BOOL,
	\`seen\` DATETIME,
	\`load\` FLOAT,
	\`ip\` VARCHAR(39),
	\`facts\` TEXT,
	\`deleted\` INTEGER,
	PRIMARY KEY (\`id\`),
	CONSTRAINT \`uniq_hosts0name\` UNIQUE (\`name\`, \`deleted\`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1`,
    `CREATE TABLE \`agents\` (
	\`id\` BIGINT AUTO_INCREMENT NOT NULL,
	\`host_id\` INTEGER NOT NULL,
	\`log\` MEDIUMTEXT,
	PRIMARY KEY (\`id\`),
	CONSTRAINT \`agents_host_fk\` FOREIGN KEY(\`host_id\`) REFERENCES \`hosts\` (\`id\`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8`,
    'CREATE UNIQUE INDEX `hosts_ip_idx` ON `hosts` (`ip`)',
    'CREATE INDEX `hosts_seen_idx` ON `hosts` (`seen`(3))',
    'CREATE INDEX `host_id` ON `agents` (`host_id`)',
  ],
  postgresql: [
    `CREATE TYPE "host_kind" AS ENUM ('kvm', 'xen''s')`,
    `CREATE TABLE "hosts" (
	"id" SERIAL NOT NULL,
	"name" VARCHAR(20) NOT NULL,
	"kind" "host_kind" DEFAULT 'kvm' NOT NULL,
	"up" BOOLEAN,
	"seen" TIMESTAMP WITHOUT TIME ZONE,
	"load" DOUBLE PRECISION,
	"ip" INET,
	"facts" TEXT,
	"deleted" INTEGER,
	PRIMARY KEY ("id"),
	CONSTRAINT "uniq_hosts0name" UNIQUE ("name", "deleted")
)`,
    `CREATE TABLE "agents" (
	"id" BIGSERIAL NOT NULL,
	"host_id" INTEGER NOT NULL,
	"log" TEXT,
	PRIMARY KEY ("id"),
	FOREIGN KEY("host_id") REFERENCES "hosts" ("id")
)`,
    'CREATE UNIQUE INDEX "hosts_ip_idx" ON "hosts" ("ip")',
    'CREATE INDEX "hosts_seen_idx" ON "hosts" ("seen")',
  ],
}
for (const [engine, expected] of Object.entries(statements))
  test(`the statements of ${engine}`, () => expect(createStatements(schema, engine as Engine)).toEqual(expected))

test('a foreign key to a table that is not there is refused', () => {
  const { agents } = schema
  expect(() => createStatements({ agents }, 'sqlite')).toThrow('table agents points to hosts, which is not there')
})
