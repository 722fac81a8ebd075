/**
 * What this package says about itself, and where its own files are: in a clone of the repository, and in the package
 * that `npm run pack` makes of it (decision 59). Threads and child processes are found by `new URL('./file.ts',
 * import.meta.url)`, which the build understands.
 */
import { fileURLToPath } from 'node:url'
import pkg from '../../package.json' with { type: 'json' }

export const { version: VERSION, description: DESCRIPTION } = pkg

/** Whether this runs from its sources. In the package, all code is JavaScript in one folder, `dist`. */
export const IS_CLONE = import.meta.url.endsWith('.ts')

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The folder with the built dashboard: in a clone, where `npm run build:dashboard` puts it. */
export const DASHBOARD_FOLDER = fileOf(IS_CLONE ? '../../../dashboard/dist' : '../dashboard')

/** The program that builds the dashboard in a clone. Null in the package, which has the dashboard. */
export const BUILD_SCRIPT = IS_CLONE ? fileOf('../../../../scripts/build-dashboard.ts') : null
