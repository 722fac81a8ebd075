/** `npm run surface`: adds to docs/surface.json what is new. Removing a name from it is a decision: do it by hand. */
import { writeFileSync } from 'node:fs'
import { add, currentSurface, readSurface, SURFACE_FILE } from './surface.ts'

writeFileSync(SURFACE_FILE, `${JSON.stringify(add(readSurface(), await currentSurface()), null, 2)}\n`)
