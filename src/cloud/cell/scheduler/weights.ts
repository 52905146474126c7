/** Which of the hosts that may take a server is best: the emptiest, save where a group wants its servers together. nova/scheduler/weights/ */
import type { HostState } from './hosts.ts'
import type { Request } from './request.ts'

type Weight = (host: HostState, request: Request) => number

const inGroup = ({ host }: HostState, { groupServers }: Request) => groupServers.get(host) ?? 0

/** Each is scaled to between 0 and 1 among the hosts, then multiplied. */
const weights: readonly [multiplier: number, weight: Weight][] = [
  [1, ({ capacity, taken }) => capacity.memoryMb - taken.memoryMb],
  [1, ({ capacity, taken }) => capacity.vcpus - taken.vcpus],
  [1, ({ capacity, taken }) => capacity.diskGb - taken.diskGb],
  [-1, ({ ioWorkload }) => ioWorkload],
  [-1_000_000, ({ failedBuilds }) => failedBuilds],
  // as much as the three above together and more; with Nova's 1 a soft rule would never win against an empty host
  [4, (host, request) => (request.group?.policy === 'soft-affinity' ? inGroup(host, request) : 0)],
  [4, (host, request) => (request.group?.policy === 'soft-anti-affinity' ? -inGroup(host, request) : 0)],
]

/** Best first; among equals chance decides. */
export function weigh(hosts: readonly HostState[], request: Request, random: () => number): HostState[] {
  const scores = hosts.map(() => 0)
  for (const [multiplier, weight] of weights) {
    const values = hosts.map((host) => weight(host, request))
    const least = Math.min(...values)
    const span = Math.max(...values) - least
    for (const [i, value] of values.entries()) scores[i]! += span === 0 ? 0 : (multiplier * (value - least)) / span
  }
  return hosts
    .map((host, i) => ({ host, score: scores[i]!, chance: random() }))
    .sort((a, b) => b.score - a.score || a.chance - b.chance)
    .map(({ host }) => host)
}
