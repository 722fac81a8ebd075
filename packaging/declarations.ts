/** Writes declarations for TypeScript next to a build: those of its entry, and of whatever they refer to. */
import { execFileSync } from 'node:child_process'
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { ROOT } from './root.ts'

const COMPILER = join(ROOT, 'node_modules/typescript/bin/tsc')
/** The file in the package that has the entry's declarations. */
const ENTRY = 'index.d.ts'
const SPECIFIER = /(\bfrom |\bimport\()(['"])([^'"]+)\2/g

/**
 * @param entry the TypeScript file that users import
 * @param target the folder of the build
 * @throws Error if the declarations refer to a package, which users don't have
 */
export function writeDeclarations(entry: string, target: string): void {
  const draft = mkdtempSync(join(tmpdir(), 'posthorn-declarations-'))
  try {
    const settings = {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: { noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: ROOT, outDir: draft },
      // The compiler takes another workspace for an installed package, and writes nothing of it unless it is named. Of a
      // file that is only imported, it depends on the order in which threads come to it.
      files: [entry, ...globSync('packages/client/src/**/*.ts', { cwd: ROOT }).map(file => join(ROOT, file))],
      include: [],
    }
    // In the repository, so that the compiler finds the installed packages.
    const project = join(ROOT, `tsconfig.declarations-${process.pid}.json`)
    writeFileSync(project, JSON.stringify(settings))
    try {
      execFileSync(process.execPath, [COMPILER, '-p', project], { stdio: 'inherit' })
    } finally {
      rmSync(project)
    }
    const types = join(target, 'types')
    const first = copyReachable(join(draft, declarationOf(relative(ROOT, entry))), draft, types)
    writeFileSync(join(target, ENTRY), `export * from './types/${first.replace(/\.d\.ts$/, '.js')}'\n`)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

const declarationOf = (file: string): string => file.replace(/\.ts$/, '.d.ts')

/** Copies a file and all that it refers to, and returns its path below `to`. */
function copyReachable(first: string, from: string, to: string): string {
  const require = createRequire(join(ROOT, 'packages/server/package.json'))
  const waiting = [first]
  const seen = new Set(waiting)
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const here = dirname(file)
    const text = readFileSync(file, 'utf8').replace(SPECIFIER, (whole, word: string, quote: string, name: string) => {
      if (name.startsWith('node:')) return whole
      if (!name.startsWith('.') && !name.startsWith('@posthorn/'))
        throw new Error(`${relative(from, file)} refers to types of ${name}, which users of the package don't have.`)
      const next = name.startsWith('.')
        ? join(here, declarationOf(name))
        : join(from, declarationOf(relative(ROOT, require.resolve(name))))
      if (!seen.has(next)) waiting.push(next)
      seen.add(next)
      const path = relative(here, next).replace(/\.d\.ts$/, '.js')
      return `${word}${quote}${path.startsWith('.') ? path : `./${path}`}${quote}`
    })
    const place = join(to, relative(from, file))
    mkdirSync(dirname(place), { recursive: true })
    writeFileSync(place, text)
  }
  return relative(from, first)
}
