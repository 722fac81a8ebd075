/** Finds a browser for the tests and the pictures, and starts it. */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'

/** How to start a browser that was found. */
export type FoundBrowser = {
  readonly executablePath: string
  /** What its environment needs beyond that of this process. */
  readonly env: Readonly<Record<string, string>>
}

/** `missing` says why there is no browser, for the names of the tests that are skipped. */
export type NoBrowser = { readonly missing: string }

const PACKAGE = fileURLToPath(new URL('../../../../node_modules/@sparticuz/chromium/', import.meta.url))
const CACHE = fileURLToPath(new URL('../../../../node_modules/.cache/', import.meta.url))
const UNPACK = fileURLToPath(new URL('./unpack-chromium.ts', import.meta.url))
/** The package unpacks the libraries that Chromium needs only where it believes to be a function on AWS Lambda. */
const LAMBDA = { AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs22.x', AWS_LAMBDA_JS_RUNTIME: 'nodejs22.x' }

/**
 * A missing browser is a failure where this is set, as in `.ci/run`, or where CI is `true`. Elsewhere the tests that
 * need one are skipped, and their names say why.
 */
const IS_REQUIRED = process.env.POSTHORN_BROWSER_REQUIRED === 'true' || process.env.CI === 'true'

/**
 * The browser that `POSTHORN_BROWSER` names (the path of a Chromium or Chrome), or on Linux on x64 the Chromium that
 * the package `@sparticuz/chromium` carries, unpacked once.
 *
 * @throws Error if there is none although one is required
 */
export async function findBrowser(): Promise<FoundBrowser | NoBrowser> {
  const found = await find()
  if ('missing' in found && IS_REQUIRED) throw new Error(`The browser tests can't run here: ${found.missing}.`)
  return found
}

async function find(): Promise<FoundBrowser | NoBrowser> {
  const chosen = process.env.POSTHORN_BROWSER
  if (chosen !== undefined && chosen !== '') {
    if (existsSync(chosen)) return { executablePath: chosen, env: {} }
    return { missing: `POSTHORN_BROWSER names ${chosen}, which does not exist` }
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { missing: `no browser for ${process.platform} on ${process.arch}: set POSTHORN_BROWSER to a Chromium` }
  }
  if (!existsSync(PACKAGE)) return { missing: 'the package @sparticuz/chromium is not installed' }
  const folder = await unpacked()
  return {
    executablePath: join(folder, 'chromium'),
    env: {
      LD_LIBRARY_PATH: [join(folder, 'al2023', 'lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':'),
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
    },
  }
}

/** The folder with the unpacked browser. A folder that exists is complete: it is renamed into place. */
async function unpacked(): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string }
  const folder = join(CACHE, `chromium-${version}`)
  if (existsSync(folder)) return folder
  mkdirSync(CACHE, { recursive: true })
  const fresh = mkdtempSync(`${folder}-`)
  try {
    const env = { ...process.env, ...LAMBDA, TMPDIR: fresh }
    await promisify(execFile)(process.execPath, [UNPACK], { env })
    writeFileSync(join(fresh, 'fonts.conf'), fontsConf(folder))
    renameSync(fresh, folder)
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true })
    if (!existsSync(folder)) throw error // another process was faster
  }
  return folder
}

/** The package's own fonts are Latin only and have none of fixed width: the machine's are added, if it has any. */
function fontsConf(folder: string): string {
  const folders = [join(folder, 'fonts'), '/usr/share/fonts', '/usr/local/share/fonts']
  return [
    '<?xml version="1.0"?>',
    '<!DOCTYPE fontconfig SYSTEM "fonts.dtd">',
    '<fontconfig>',
    ...folders.map(each => `<dir>${each}</dir>`),
    `<cachedir>${join(folder, 'font-cache')}</cachedir>`,
    '</fontconfig>',
    '',
  ].join('\n')
}

export function startBrowser({ executablePath, env }: FoundBrowser): Promise<Browser> {
  return chromium.launch({
    executablePath,
    env: { ...definedOnly(process.env), HOME: dirname(executablePath), ...env },
    // A container often has little shared memory, and no user namespaces for a sandbox.
    args: ['--font-render-hinting=none', '--disable-dev-shm-usage'],
  })
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
