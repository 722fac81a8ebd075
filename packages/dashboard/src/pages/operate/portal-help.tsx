import { Button, IconButton } from '../../kit/button.tsx'
import { TextField } from '../../kit/field.tsx'
import { errorUnder, fieldError } from '../../lib/errors.ts'
import { portalLooks as words } from '../../strings/en/portal-looks.ts'
import styles from './portal.module.css'
import type { Draft } from './portal.tsx'

const MOST = 8

type Props = {
  readonly help: Draft['help']
  readonly error: unknown
  readonly onChange: (help: Draft['help']) => void
}

/** Links to the provider's own pages. */
export function HelpLinks({ help, error, onChange }: Props) {
  const set = (at: number, changes: Partial<Draft['help'][number]>) =>
    onChange(help.map((link, index) => (index === at ? { ...link, ...changes } : link)))
  return (
    <fieldset className={styles.choices}>
      <legend>{words.help}</legend>
      {help.map(({ label, url }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows have nothing but their place
        <div key={index} className={styles.link}>
          <TextField
            hideLabel
            label={words.label(index + 1)}
            placeholder={words.label(index + 1)}
            error={fieldError(error, `help/${index}/label`)}
            maxLength={64}
            value={label}
            onChange={next => set(index, { label: next })}
          />
          <TextField
            hideLabel
            label={words.url(index + 1)}
            placeholder="https://"
            error={fieldError(error, `help/${index}/url`)}
            inputMode="url"
            value={url}
            onChange={next => set(index, { url: next })}
          />
          <IconButton
            icon="cross"
            label={words.removeLink(index + 1)}
            onClick={() => onChange(help.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <p className={styles.help}>{words.helpHelp}</p>
      <div role="alert">
        {fieldError(error, 'help') !== null && <p className={styles.error}>{errorUnder(error, 'help')}</p>}
      </div>
      {help.length < MOST && (
        <div>
          <Button small icon="plus" onClick={() => onChange([...help, { label: '', url: '' }])}>
            {words.addLink}
          </Button>
        </div>
      )}
    </fieldset>
  )
}
