/** How a guest sees its processors: sockets, cores and threads, and the most of each. */
import { badSpec, type GuestFlavor, type GuestImage, property, spec, specInteger, unfit } from './wanted.ts'

interface Shape {
  readonly sockets: number
  readonly cores: number
  readonly threads: number
}

const kinds = ['sockets', 'cores', 'threads'] as const
const unlimited = 65_536

/** nova/virt/hardware.py get_cpu_topology_constraints */
export function checkTopology(flavor: GuestFlavor, image: GuestImage): void {
  const flavorMost = ofFlavor(flavor, 'cpu_max_')
  const imageMost = ofImage(image, 'hw_cpu_max_')
  if (kinds.some((kind) => flavorMost[kind] && imageMost[kind] > flavorMost[kind]))
    throw unfit(`Image vCPU topology limits (${listed(imageMost)}) exceeds the limits of the flavor (${listed(flavorMost)})`)
  const most = shape((kind) => imageMost[kind] || flavorMost[kind] || unlimited)
  // Only to refuse what is no number: what the flavor prefers may exceed the limits and is then not used
  ofFlavor(flavor, 'cpu_')
  const preferred = ofImage(image, 'hw_cpu_')
  if (kinds.some((kind) => preferred[kind] > most[kind]))
    throw unfit(`Image vCPU topology (${listed(preferred)}) exceeds the limits of the flavor or image (${listed(most)})`)
}

const shape = (of: (kind: (typeof kinds)[number]) => number): Shape => ({
  sockets: of('sockets'),
  cores: of('cores'),
  threads: of('threads'),
})

const ofFlavor = (flavor: GuestFlavor, prefix: 'cpu_' | 'cpu_max_') =>
  shape((kind) => {
    const text = spec(flavor, `${prefix}${kind}`)
    return text === undefined ? 0 : specInteger(text, badSpec)
  })

const ofImage = (image: GuestImage, prefix: 'hw_cpu_' | 'hw_cpu_max_') => shape((kind) => property(image, `${prefix}${kind}`) ?? 0)

const listed = ({ sockets, cores, threads }: Shape): string => `sockets=${sockets}, cores=${cores}, threads=${threads}`
