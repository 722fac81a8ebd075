/** Where an export is written to. */
import { type FileHandle, open } from 'node:fs/promises'
import type { Printer } from '../../terminal/printer.ts'

export type Writer = {
  write(bytes: Buffer): Promise<void>
  /** Resolves once all of it is safe. */
  end(): Promise<void>
}

/** @param offset what the file has up to here stays, and what it has behind is removed */
export async function openFile(file: string, offset: number): Promise<Writer> {
  const handle: FileHandle = await open(file, offset === 0 ? 'w' : 'r+', 0o600)
  await handle.truncate(offset)
  let at = offset
  return {
    async write(bytes) {
      for (let written = 0; written < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, at + written)
        written += bytesWritten
      }
      at += bytes.length
    },
    async end() {
      await handle.sync()
      await handle.close()
    },
  }
}

/** Standard output. */
export const toOutput = (out: Printer): Writer => ({
  write: bytes => out.raw(bytes.toString('utf8')),
  end: () => Promise.resolve(),
})
