/** How bench/run.ts prints what it has measured. */
import type { Measured } from './measure.ts'

const line = (first: string, cells: readonly string[], last: string): string =>
  `${first.padEnd(34)}${cells.map((cell) => cell.padStart(13)).join('')}  ${last}\n`

export const headLine = (sides: readonly { readonly name: string }[], floor: boolean): string =>
  line(
    'what',
    [...sides.map(({ name }) => name), ...(floor ? ['floor', 'ratio'] : []), ...sides.map(({ name }) => `${name}, MB`)],
    'budget',
  )

/** `floor`: whether there are columns for it. */
export function caseLine(measured: Measured, floor: boolean): string {
  const { what, sides, floorMs, budget } = measured
  const ratio = ratioOf(measured)
  const leasts = floorMs === undefined || ratio === undefined ? ['', ''] : [`${floorMs.toFixed(3)} ms`, ratio.toFixed(2)]
  const cells = [...sides.map(({ ms }) => `${ms.toFixed(3)} ms`), ...(floor ? leasts : []), ...sides.map(({ mb }) => mb.toFixed(0))]
  const said = budget === undefined || ratio === undefined ? '' : `≤ ${budget}: ${holds(measured) ? 'holds' : 'BROKEN'}`
  return line(what, cells, said)
}

/** Whether the first side keeps to the budget; true where there is none, or nothing to compare with. */
export function holds(measured: Measured): boolean {
  const ratio = ratioOf(measured)
  return measured.budget === undefined || ratio === undefined || ratio <= measured.budget
}

const ratioOf = ({ sides, floorMs }: Measured): number | undefined => (floorMs === undefined ? undefined : sides[0]!.ms / floorMs)
