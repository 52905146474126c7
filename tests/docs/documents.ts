/** Every document that is made of the tables, by its path in the repository. */
import { compatibility } from './compatibility.ts'
import { referencePages } from './reference.ts'

export const documents = (): ReadonlyMap<string, string> => new Map([['docs/compatibility.md', compatibility()], ...referencePages()])
