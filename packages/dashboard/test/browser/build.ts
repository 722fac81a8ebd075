/** Builds the dashboard for the tests, unless what is built is newer than everything it is built from. */
import { execFile } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const DASHBOARD = join(ROOT, 'packages', 'dashboard')
/** What ends up in the bundle, apart from packages that the lockfile pins. */
const SOURCES = ['packages/dashboard/src', 'packages/client/src', 'packages/dashboard/public']
const FILES = ['packages/dashboard/index.html', 'packages/dashboard/vite.config.ts', 'package-lock.json']

export async function buildDashboard(): Promise<void> {
  const builtAtMs = changedAtMs(join(DASHBOARD, 'dist', 'index.html'))
  const files = [...FILES, ...SOURCES.flatMap(filesIn)].map(file => join(ROOT, file))
  if (files.every(file => changedAtMs(file) < builtAtMs)) return
  await promisify(execFile)('npm', ['run', 'build:dashboard'], { cwd: ROOT })
}

function filesIn(folder: string): string[] {
  try {
    const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name).slice(ROOT.length))
  } catch {
    return []
  }
}

function changedAtMs(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
