import { Dialog } from '../kit/dialog.tsx'
import { IS_APPLE, Kbd } from '../kit/kbd.tsx'
import { shell } from '../strings/index.ts'
import { usePlaces } from './nav.tsx'
import styles from './shortcuts.module.css'

type Line = readonly [keys: readonly string[], what: string]

/** All keys, in a dialog. */
export default function Shortcuts({ onClose }: { readonly onClose: () => void }) {
  const { main, operate } = usePlaces()
  const { keys } = shell
  const mod = IS_APPLE ? '⌘' : 'Ctrl'
  const go = [...main, ...operate].flatMap(({ key, label }): Line[] => (key === undefined ? [] : [[['g', key], label]]))
  return (
    <Dialog open wide onClose={onClose} title={shell.shortcuts}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div className={styles.columns} tabIndex={0}>
        <div className={styles.column}>
          <Section
            title={keys.everywhere}
            lines={[
              [[mod, 'K'], keys.palette],
              [['?'], keys.help],
              [['Esc'], keys.close],
            ]}
          />
          <Section
            title={keys.lists}
            lines={[
              [['/'], keys.filter],
              [['j', '↓'], keys.next],
              [['k', '↑'], keys.previous],
              [['Home', 'End'], keys.ends],
              [['Enter'], keys.open],
              [['x'], keys.tick],
            ]}
          />
          <Section
            title={keys.one}
            lines={[
              [['j', 'k'], keys.step],
              [['r'], keys.retry],
              [['e'], keys.edit],
              [[mod, 'Enter'], keys.save],
            ]}
          />
        </div>
        <div className={styles.column}>
          <Section title={keys.go} lines={go} />
        </div>
      </div>
    </Dialog>
  )
}

function Section({ title, lines }: { readonly title: string; readonly lines: readonly Line[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl className={styles.keys}>
        {lines.map(([names, what]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              {names.map(name => (
                <Kbd key={name}>{name}</Kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
