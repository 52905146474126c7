/** What a new cloud begins with. What somebody changes or removes later stays so. */
import type { NewFlavor } from '../stores/api/flavors.ts'
import type { Seed } from './identity/index.ts'
import type { SeedPlan } from './network/index.ts'
import { type Secrets, serviceUsers } from './secrets.ts'

/** Projects, users and roles; names as DevStack gives them. */
export const identitySeed = ({ passwords }: Pick<Secrets, 'passwords'>): Seed => ({
  projects: [
    { name: 'admin', description: 'Bootstrap project for initializing the cloud.' },
    { name: 'service' },
    { name: 'demo' },
    { name: 'alt_demo' },
  ],
  users: [
    { name: 'admin', password: passwords.admin },
    { name: 'demo', password: passwords.demo, defaultProject: 'demo', email: 'demo@example.com' },
    { name: 'demo_manager', password: passwords.demo_manager, defaultProject: 'demo' },
    { name: 'demo_reader', password: passwords.demo_reader, defaultProject: 'demo' },
    { name: 'alt_demo', password: passwords.alt_demo, defaultProject: 'alt_demo', email: 'alt_demo@example.com' },
    ...serviceUsers.map((name) => ({ name, password: passwords[name], defaultProject: 'service' })),
  ],
  assignments: [
    { user: 'admin', role: 'admin', on: 'system' },
    { user: 'admin', role: 'admin', on: 'Default' },
    ...['admin', 'demo', 'alt_demo'].map((project) => ({ user: 'admin', role: 'admin', on: { project } })),
    { user: 'demo', role: 'member', on: { project: 'demo' } },
    { user: 'demo_manager', role: 'manager', on: { project: 'demo' } },
    { user: 'demo_reader', role: 'reader', on: { project: 'demo' } },
    { user: 'alt_demo', role: 'member', on: { project: 'alt_demo' } },
    ...serviceUsers.flatMap((user) => ['service', 'admin'].map((role) => ({ user, role, on: { project: 'service' } }))),
  ],
})

/** Networks as the tests of clients expect them: one that every project may use, one of `demo`, and one towards the outside. */
export const networkPlan = (adminProjectId: string, demoProjectId: string): SeedPlan => ({
  adminProjectId,
  // Guests on it are told their addresses by the metadata service: no agent would serve them
  shared: { name: 'shared', cidr: '10.10.0.0/16', dhcp: false },
  private: { name: 'private', cidr: '10.0.0.0/24', projectId: demoProjectId },
  external: { name: 'public', cidr: '172.24.4.0/24' },
  router: { name: 'router1' },
  subnetPool: { name: 'shared-default-subnetpool-v4', prefixes: ['10.64.0.0/12'], defaultPrefixlen: 26 },
})

// devstack lib/nova create_flavors and, for the first two, lib/tempest: id, name, MiB of memory, GiB of disk, processors
const sizes = [
  ['42', 'm1.nano', 192, 1, 1],
  ['84', 'm1.micro', 256, 1, 1],
  ['c1', 'cirros256', 256, 1, 1],
  ['d1', 'ds512M', 512, 5, 1],
  ['d2', 'ds1G', 1024, 10, 1],
  ['d3', 'ds2G', 2048, 10, 2],
  ['d4', 'ds4G', 4096, 20, 4],
  ['1', 'm1.tiny', 512, 1, 1],
  ['2', 'm1.small', 2048, 20, 1],
  ['3', 'm1.medium', 4096, 40, 2],
  ['4', 'm1.large', 8192, 80, 4],
  ['5', 'm1.xlarge', 16384, 160, 8],
] as const

export const flavors: readonly NewFlavor[] = sizes.map(([flavorid, name, memoryMb, rootGb, vcpus]) => ({
  flavorid,
  name,
  memoryMb,
  vcpus,
  rootGb,
  ephemeralGb: 0,
  swap: 0,
  rxtxFactor: 1,
  isPublic: true,
  description: null,
}))
