/** Makes the packages that can be published, and installs them as a user does. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './root.ts'
import { buildServerPackage } from './server-package.ts'

export type Tarballs = { readonly posthorn: string; readonly client: string }

/** Builds `posthorn` and `@posthorn/client` into a folder, and returns the paths of their tarballs, which are next to them. */
export async function makeTarballs(target: string): Promise<Tarballs> {
  mkdirSync(target, { recursive: true })
  const [server, client] = [join(target, 'posthorn'), join(target, 'posthorn-client')]
  await buildServerPackage(server)
  execFileSync(process.execPath, [join(ROOT, 'scripts/build-client.mjs'), client], { stdio: 'inherit' })
  return { posthorn: pack(server, target), client: pack(client, target) }
}

function pack(folder: string, target: string): string {
  return join(target, npm(['pack', folder, '--pack-destination', target, '--silent'], target).trim())
}

/**
 * Installs packages into an empty folder, without development dependencies.
 *
 * @param folder must not be in the repository, whose packages would be found otherwise
 * @param packages names, or paths of tarballs
 */
export function install(folder: string, packages: readonly string[], flags: readonly string[] = []): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ name: 'empty', private: true, type: 'module' })}\n`)
  npm(['install', '--omit=dev', '--no-audit', '--no-fund', '--loglevel=error', ...flags, ...packages], folder)
}

function npm(args: readonly string[], folder: string): string {
  // What npm passes on to scripts would make the inner npm work in the repository.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)))
  return execFileSync('npm', args, { cwd: folder, env, encoding: 'utf8', shell: process.platform === 'win32' })
}
