/** Where an export is written to. */
import { type FileHandle, open } from 'node:fs/promises'
import { EXIT } from '../../exit.ts'
import { Problem } from '../../problem.ts'
import type { Printer } from '../../terminal/printer.ts'

export type Writer = {
  write(bytes: Buffer): Promise<void>
  /** Resolves once all of it is safe. */
  end(): Promise<void>
}

/** @param offset what the file has up to here stays, and what it has behind is removed */
export async function openFile(file: string, offset: number): Promise<Writer> {
  const handle: FileHandle = await open(file, offset === 0 ? 'w' : 'r+', 0o600)
  // A pipe or a device has neither a length nor places.
  const isFile = (await handle.stat()).isFile()
  if (isFile) await handle.truncate(offset)
  let at = offset
  return {
    async write(bytes) {
      for (let written = 0; written < bytes.length; ) {
        try {
          const place = isFile ? at + written : null
          written += (await handle.write(bytes, written, bytes.length - written, place)).bytesWritten
        } catch (error) {
          // It says what, but not which file: the disk is full, for example.
          throw new Problem(`${file} cannot be written: ${(error as Error).message}.`, EXIT.refused, { cause: error })
        }
      }
      at += bytes.length
    },
    async end() {
      if (isFile) await handle.sync()
      await handle.close()
    },
  }
}

/** Standard output. */
export const toOutput = (out: Printer): Writer => ({
  write: bytes => out.raw(bytes.toString('utf8')),
  end: () => Promise.resolve(),
})
