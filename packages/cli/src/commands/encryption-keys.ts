import type { EncryptionKeys, Posthorn } from '@posthorn/client'
import type { Command } from 'commander'
import { addCommand, addNoun, withServer } from '../command.ts'
import { Problem } from '../problem.ts'
import { type Column, NONE, type Terminal } from '../terminal/index.ts'

const ASK_EVERY_MS = 500

const FIELDS: readonly Column<EncryptionKeys>[] = [
  { title: 'KEYS', text: ({ keys }) => keys.join(', ') || NONE, tone: () => 'strong' },
  { title: 'STATE', text: ({ state }) => state },
  { title: 'RESEALED', text: ({ resealed }) => String(resealed) },
  { title: 'UNREADABLE', text: ({ unreadable }) => String(unreadable) },
]

export function addEncryptionKeys(root: Command, terminal: Terminal): void {
  const noun = addNoun(root, 'encryption-keys', 'Show and replace the key that encrypts secrets.')

  const get = addCommand(noun, 'get', 'Show the names of the encryption keys in use, and the state of a rotation.', [
    ['posthorn encryption-keys get', 'The first one encrypts; the others only decrypt.'],
  ])
  withServer(get, terminal, async ({ posthorn, out }) => {
    await out.item(await posthorn.operations.getEncryptionKeys(), FIELDS)
  })

  const rotate = addCommand(noun, 'rotate', 'Encrypt all secrets with a new key while the server is running.', [
    ['posthorn encryption-keys rotate', 'Wait until it is done, and report the result.'],
  ])
  withServer(rotate, terminal, async ({ posthorn, out }) => {
    const begun = await posthorn.operations.rotateEncryptionKey()
    await out.say(`Replacing the encryption key. Keys in use: ${begun.keys.join(', ')} (the first one encrypts).`)
    const ended = await untilEnded(begun, posthorn, terminal)
    const { state, resealed, unreadable } = ended
    if (out.isJson) await out.json(ended)
    if (state !== 'done') {
      const remedy = "see the server's log, then run this command again. No key was removed."
      throw new Problem(`The rotation did not finish (${state}): ${remedy}`)
    }
    await out.say(`Done: the secrets of ${resealed} endpoints are now encrypted with the new key.`)
    if (unreadable > 0) {
      const remedy = 'give each a new clientSecret, or put back the key that encrypted them. All keys are kept.'
      throw new Problem(`No key can decrypt the secrets of ${unreadable} endpoints: ${remedy}`)
    }
    await out.say(
      'Store a copy of the new key separately from your backups. Keep the old key for as long as you keep backups made ' +
        'before now.',
    )
  })
}

/** Asks until the rotation has ended. Ctrl-C ends the asking only: the server continues. */
async function untilEnded(begun: EncryptionKeys, posthorn: Posthorn, { clock }: Terminal): Promise<EncryptionKeys> {
  let now = begun
  while (now.state === 'running') {
    await new Promise<void>(resolve => void clock.after(ASK_EVERY_MS, resolve))
    now = await posthorn.operations.getEncryptionKeys()
  }
  return now
}
