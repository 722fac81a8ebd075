import { Dialog } from '../kit/dialog.tsx'
import { IS_APPLE, Kbd } from '../kit/kbd.tsx'
import { shell } from '../strings/index.ts'
import { usePlaces } from './nav.tsx'
import styles from './shortcuts.module.css'

/** All keys, in a dialog. */
export default function Shortcuts({ onClose }: { readonly onClose: () => void }) {
  const { main, operate } = usePlaces()
  const { keys } = shell
  const rows: readonly (readonly [readonly string[], string])[] = [
    [[IS_APPLE ? '⌘' : 'Ctrl', 'K'], keys.palette],
    [['/'], keys.filter],
    [['j'], keys.next],
    [['k'], keys.previous],
    [['Enter'], keys.open],
    [['x'], keys.tick],
    [['r'], keys.retry],
    [['Esc'], keys.close],
    [['?'], keys.help],
    ...[...main, ...operate].flatMap(({ key, label }) =>
      key === undefined ? [] : [[['g', key], keys.go(label)] as const],
    ),
  ]
  return (
    <Dialog open onClose={onClose} title={shell.shortcuts}>
      <dl className={styles.keys}>
        {rows.map(([names, what]) => (
          <Row key={what} names={names} what={what} />
        ))}
      </dl>
    </Dialog>
  )
}

function Row({ names, what }: { readonly names: readonly string[]; readonly what: string }) {
  return (
    <>
      <dt>
        {names.map(name => (
          <Kbd key={name}>{name}</Kbd>
        ))}
      </dt>
      <dd>{what}</dd>
    </>
  )
}
