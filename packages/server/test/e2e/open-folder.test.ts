import { chmod, mkdir, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { inPlace, type Place, type ServerProcess, serve, start } from './process.ts'

/** The modes of all files in a folder, by name. */
async function modesIn(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of (await readdir(folder)).sort()) {
    found[name] = ((await stat(join(folder, name))).mode & 0o777).toString(8)
  }
  return found
}

const posthorn = (place: Place, ...args: string[]) => start(place, args).ended

describe.skipIf(process.platform === 'win32')('a data folder that other users can look into', () => {
  it('C14: has no file that they can open, from the first startup to a restored backup', { timeout: 60_000 }, () =>
    inPlace(async place => {
      await mkdir(place.data, { mode: 0o755 })
      await chmod(place.data, 0o755)
      const server = (await serve(place)) as ServerProcess
      await server.call('PUT', '/tenants/acme', {})
      const all = {
        'encryption.key': '600',
        'lock.db': '600',
        'posthorn.db': '600',
        'posthorn.db-shm': '600',
        'posthorn.db-wal': '600',
      }
      expect(await modesIn(place.data)).toMatchObject(all)
      expect(Object.values(await modesIn(place.data)).filter(mode => mode !== '600')).toEqual([])
      const folder = `Other users have access to the data folder ${place.data} (mode 0755)`
      expect(server.output()).toContain(folder)
      expect(server.output()).toContain('"msg":"other users have access to the data folder; close it with chmod 700"')
      expect(server.output()).toContain(`run: chmod 700 ${place.data}`)

      const copy = join(place.folder, 'copy.db')
      expect((await posthorn(place, 'backup', copy, '--data', place.data)).code).toBe(0)
      expect((await stat(copy)).mode & 0o777).toBe(0o600)
      const restored = join(place.folder, 'restored')
      await mkdir(restored, { mode: 0o755 })
      await chmod(copy, 0o644)
      expect((await posthorn(place, 'restore', copy, '--data', restored)).code).toBe(0)
      expect(await modesIn(restored)).toEqual({ 'lock.db': '600', 'posthorn.db': '600' })
      const { stdout } = await posthorn(place, 'doctor', '--data', restored)
      expect(stdout).toMatch(/ok +durability/)
      expect(stdout).toMatch(/warn +folder .*mode 0755/)
      expect(stdout).toMatch(/ok +API key +the one that serve was given \(POSTHORN_API_KEY\) or generated/)
      server.kill('SIGTERM')
      expect((await server.ended).code).toBe(0)
    }),
  )

  it('has its files closed at startup, and those that are not ours to close are reported', { timeout: 60_000 }, () =>
    inPlace(async place => {
      const first = (await serve(place)) as ServerProcess
      await first.call('PUT', '/tenants/acme', {})
      // Killed, it leaves its log behind.
      first.kill('SIGKILL')
      await first.ended
      for (const name of await readdir(place.data)) await chmod(join(place.data, name), 0o644)
      await writeFile(join(place.data, 'mine.txt'), 'not a file of Posthorn', { mode: 0o644 })
      const found = await posthorn(place, 'doctor', '--data', place.data)
      expect(found.stdout).toMatch(/warn +store file .*posthorn\.db-wal \(mode 0644\)/)
      expect(found.stdout).toMatch(/fail +key file .*mode 0644/)
      const second = (await serve(place)) as ServerProcess
      await second.call('PUT', '/tenants/acme', {})
      const { 'mine.txt': mine, ...modes } = await modesIn(place.data)
      expect([...new Set(Object.values(modes)), mine]).toEqual(['600', '644'])
      for (const name of ['posthorn.db', 'posthorn.db-wal', 'encryption.key', 'lock.db']) {
        const path = join(place.data, name)
        expect(second.output()).toContain(`Other users could open ${path} (mode 0644). Its mode is 0600 now.`)
      }
      expect(second.output()).toContain('"msg":"other users could open a file of the data folder; it is closed now"')
      expect(second.output()).not.toContain('Other users have access')
      second.kill('SIGTERM')
      await second.ended

      const secret = join(place.folder, 'mounted.key')
      await writeFile(secret, Buffer.alloc(32, 7).toString('base64'))
      await chmod(secret, 0o640)
      const elsewhere = { ...place, data: join(place.folder, 'other') }
      await mkdir(elsewhere.data, { mode: 0o700 })
      await symlink(secret, join(elsewhere.data, 'encryption.key'))
      const third = (await serve(elsewhere)) as ServerProcess
      const link = join(elsewhere.data, 'encryption.key')
      expect(third.output()).toContain(
        `Other users can open ${link} (mode 0640). As the owner of the file, run: chmod 600`,
      )
      expect((await stat(secret)).mode & 0o777).toBe(0o640)
      third.kill('SIGTERM')
      await third.ended
    }),
  )
})
