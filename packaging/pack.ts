/**
 * `npm run pack`: writes the packages that can be published, `posthorn` and `@posthorn/client`, as tarballs into `dist`.
 * Their files are left there too, in `dist/posthorn` and `dist/posthorn-client`.
 */
import { rmSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ROOT } from './root.ts'
import { makeTarballs } from './tarballs.ts'

const target = join(ROOT, 'dist')
rmSync(target, { recursive: true, force: true })
for (const file of Object.values(await makeTarballs(target))) {
  process.stdout.write(`${relative(ROOT, file)}  ${Math.round(statSync(file).size / 1_024)} kB\n`)
}
