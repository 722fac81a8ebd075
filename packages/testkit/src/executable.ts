import { accessSync, constants } from 'node:fs'

/** Returns whether the file exists and this process is allowed to execute it. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
