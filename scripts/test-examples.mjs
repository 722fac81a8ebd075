/**
 * Builds the receivers in `examples/receivers` that are projects of their own, and runs the same tests against each of
 * them: `npm run test:examples`, or `npm run test:examples -- go php` for some. C#, whose compiler is in no registry that
 * the tests use, is only parsed. In CI, Debian's packages of Ruby and PHP are installed if they are missing.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const RECEIVERS = join(ROOT, 'examples/receivers')
/** A grammar of C# for tree-sitter, with the parser, both in WebAssembly. */
const PARSER = { name: '@vscode/tree-sitter-wasm', version: '0.3.1' }

/** By the names that the tests have for them (`examples/receivers/conformance/list.ts`). */
const PREPARE = {
  python(folder) {
    needs('python3', 'Install Python 3.10 or newer.')
    const python = join(folder, '.venv/bin/python')
    if (!existsSync(python)) run(folder, 'python3', '-m', 'venv', '.venv')
    run(folder, python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt')
  },
  go(folder) {
    needs('go', 'Install Go 1.24 or newer.')
    const unformatted = execFileSync('gofmt', ['-l', '.'], { cwd: folder, encoding: 'utf8' })
    if (unformatted !== '') throw new Error(`Run gofmt -w on ${unformatted.trim()} in ${folder}.`)
    run(folder, 'go', 'vet', './...')
    run(folder, 'go', 'build', '-o', 'receiver', '.')
  },
  java(folder) {
    needs('mvn', 'Install Maven and a JDK, version 17 or newer.')
    run(folder, 'mvn', '--quiet', '--batch-mode', 'package')
  },
  next(folder) {
    run(folder, 'npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error')
    run(folder, process.execPath, 'node_modules/next/dist/bin/next', 'build')
  },
  ruby() {
    debian('puma', 'puma')
    needs('puma', 'Install Ruby 3.0 or newer and its package puma.')
  },
  php() {
    debian('php', 'php-cli')
    needs('php', 'Install PHP 8.1 or newer.')
  },
  'plain-javascript'() {},
  'plain-python': () => needs('python3', 'Install Python 3.9 or newer.'),
  'plain-go'() {
    needs('go', 'Install Go 1.21 or newer.')
    run(join(RECEIVERS, 'plain'), 'go', 'build', '-o', 'receiver', 'receiver.go')
  },
  'plain-java': () => needs('java', 'Install a JDK, version 17 or newer.'),
}

/** Languages whose receiver can't be run here, with the file to parse and its grammar. */
const PARSE = { csharp: { file: 'csharp/Program.cs', grammar: 'tree-sitter-c-sharp.wasm' } }

const chosen = process.argv.slice(2)
const known = [...Object.keys(PREPARE), ...Object.keys(PARSE)]
const unknown = chosen.find(name => !known.includes(name))
if (unknown !== undefined) {
  process.stderr.write(`There is no receiver "${unknown}". Choose among ${known.join(', ')}.\n`)
  process.exit(2)
}
const isChosen = name => chosen.length === 0 || chosen.includes(name)

try {
  for (const [name, prepare] of Object.entries(PREPARE).filter(([name]) => isChosen(name))) {
    const startedMs = performance.now()
    prepare(join(RECEIVERS, name))
    process.stdout.write(`${name} is ready after ${((performance.now() - startedMs) / 1_000).toFixed(1)} s\n`)
  }
  for (const [name, { file, grammar }] of Object.entries(PARSE).filter(([name]) => isChosen(name))) {
    await parse(file, grammar)
    process.stdout.write(`${name} has no syntax errors; it was not compiled\n`)
  }
} catch (error) {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}
const toRun = Object.keys(PREPARE).filter(isChosen)
if (toRun.length > 0) {
  const env = { ...process.env, TEST_RECEIVERS: toRun.join(',') }
  const { status } = spawnSync('npx', ['vitest', 'run', '--project', 'examples'], { cwd: ROOT, env, stdio: 'inherit' })
  process.exitCode = status ?? 1
}

function run(folder, program, ...args) {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }
  const { status, error } = spawnSync(program, args, { cwd: folder, env, stdio: 'inherit' })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed in ${folder}. Its output above says why.`)
}

function isInstalled(program) {
  return spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0
}

function needs(program, hint) {
  if (!isInstalled(program)) throw new Error(`${program} is not installed. ${hint}`)
}

/** A developer's machine is not ours to install programs on. */
function debian(program, name) {
  if (process.env.CI !== 'true' || isInstalled(program) || !isInstalled('apt-get')) return
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args) =>
    spawnSync('apt-get', ['--quiet=2', '-o', 'DPkg::Lock::Timeout=120', ...args], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  apt('update')
  apt('install', '--yes', '--no-install-recommends', name)
}

async function parse(file, grammar) {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-parser-'))
  try {
    writeFileSync(
      join(folder, 'package.json'),
      JSON.stringify({ private: true, dependencies: { [PARSER.name]: PARSER.version } }),
    )
    run(folder, 'npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts')
    const wasm = join(folder, 'node_modules', PARSER.name, 'wasm')
    const { Parser, Language } = createRequire(join(wasm, 'package.json'))(join(wasm, 'tree-sitter.js'))
    await Parser.init()
    const parser = new Parser()
    parser.setLanguage(await Language.load(join(wasm, grammar)))
    const { rootNode } = parser.parse(readFileSync(join(RECEIVERS, file), 'utf8'))
    const wrong = rootNode.descendantsOfType('ERROR').map(({ startPosition }) => startPosition.row + 1)
    if (rootNode.hasError)
      throw new Error(`examples/receivers/${file} has syntax errors, in lines ${wrong.join(', ')}.`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
