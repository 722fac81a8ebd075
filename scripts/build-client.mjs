/**
 * Builds the package that receivers install from `packages/client`: JavaScript with declarations and source maps, because
 * no runtime accepts TypeScript in `node_modules`. `npm run build:client [-- <folder>]` writes it to
 * `packages/client/dist` by default; `npm run pack` makes a tarball of it.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'packages/client')
const target = resolve(process.argv[2] ?? join(source, 'dist'))

rmSync(target, { recursive: true, force: true })
const compiler = join(root, 'node_modules/typescript/bin/tsc')
const project = join(source, 'tsconfig.build.json')
execFileSync(process.execPath, [compiler, '-p', project, '--outDir', target], { stdio: 'inherit' })

// The compiler doesn't change the file extensions of imports in declarations.
for (const file of readdirSync(target, { recursive: true }).filter(name => name.endsWith('.d.ts'))) {
  const text = readFileSync(join(target, file), 'utf8')
  writeFileSync(join(target, file), text.replace(/((?:from |import\()(['"])\.\.?\/[\w/-]+)\.ts\2/g, '$1.js$2'))
}
for (const [file, from] of [
  ['LICENSE', root],
  ['CHANGELOG.md', root],
  ['README.md', source],
]) {
  copyFileSync(join(from, file), join(target, file))
}

const {
  devDependencies: _,
  private: __,
  exports,
  ...about
} = JSON.parse(readFileSync(join(source, 'package.json'), 'utf8'))
const built = Object.entries(exports).map(([name, file]) => {
  const stem = file.replace('./src/', './').replace(/\.ts$/, '')
  return [name, { types: `${stem}.d.ts`, default: `${stem}.js` }]
})
const manifest = {
  ...about,
  engines: { node: '>=20' },
  exports: { ...Object.fromEntries(built), './package.json': './package.json' },
}
writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
