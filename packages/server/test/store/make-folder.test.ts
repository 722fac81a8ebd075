import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeFolder } from '../../src/store/sqlite/make-folder.ts'

describe('the data folder', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'posthorn-folder-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is created with its parents, readable by its user only, and can exist already', () => {
    const deep = join(folder, 'a', 'b')
    makeFolder(deep)
    makeFolder(deep)
    for (const each of [deep, join(folder, 'a')]) expect(statSync(each).mode & 0o777).toBe(0o700)
  })

  it('is refused where a file is in its place, or in the place of a parent', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => makeFolder(join(folder, 'file'))).toThrow(/ENOTDIR/)
    expect(() => makeFolder(join(folder, 'file', 'below'))).toThrow(/ENOTDIR/)
  })

  it.runIf(process.platform === 'linux')('is refused where the parent takes no folders, without trying forever', () => {
    expect(() => makeFolder('/proc/posthorn')).toThrow(/ENOENT/)
  })
})
