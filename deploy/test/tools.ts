/** The programs and schemas that `scripts/test-deploy.sh` installs before it runs these tests. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string }

/** The folder with everything that was installed. */
export function toolsFolder(): string {
  const folder = process.env.POSTHORN_DEPLOY_TOOLS
  if (folder === undefined) throw new Error('These tests need tools: run them with scripts/test-deploy.sh.')
  return folder
}

/** Runs one of the programs, or one of this machine, in the repository. Its exit code is a result, not an error. */
export function run(program: string, args: readonly string[], input = ''): Promise<Ran> {
  const own = join(toolsFolder(), 'bin', program)
  return new Promise((resolve, reject) => {
    const options = { cwd: ROOT, maxBuffer: 64 * 1024 ** 2 }
    const child = execFile(existsSync(own) ? own : program, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code
      if (typeof code === 'number') resolve({ code, stdout, stderr })
      else reject(error)
    })
    child.stdin?.end(input)
  })
}
