import { Button } from '../../kit/button.tsx'
import { Field } from '../../kit/field.tsx'
import { canBeRead, contrastOn, type Ground, isColour, readableOn } from '../../lib/contrast.ts'
import { fieldError } from '../../lib/errors.ts'
import { portalLooks as words } from '../../strings/en/portal-looks.ts'
import styles from './portal.module.css'
import type { Draft } from './portal.tsx'

/** `--accent` of the dashboard, for the picker while no colour is chosen. */
const OWN = { light: '#2f4bc3', dark: '#95b1fe' }

type Props = {
  readonly draft: Draft
  readonly error: unknown
  readonly onChange: (changes: Partial<Draft>) => void
}

/** The accent for both themes, with the contrast of text in it. */
export function Accent({ draft: { accent, accentDark }, error, onChange }: Props) {
  return (
    <div className={styles.pair}>
      <Colour
        label={words.accent}
        ground="light"
        value={accent}
        empty={words.own}
        refused={fieldError(error, 'accent')}
        onChange={next => onChange({ accent: next })}
      />
      <Colour
        label={words.accentDark}
        ground="dark"
        value={accentDark}
        inherited={accent}
        empty={accent.trim() === '' ? words.own : words.sameAsLight}
        refused={fieldError(error, 'accentDark')}
        onChange={next => onChange({ accentDark: next })}
      />
    </div>
  )
}

type ColourProps = {
  readonly label: string
  readonly ground: Ground
  readonly value: string
  /** What is used if there is no value. */
  readonly inherited?: string
  readonly empty: string
  /** What the server said about it. */
  readonly refused: string | null
  readonly onChange: (value: string) => void
}

function Colour({ label, ground, value, inherited = '', empty, refused, onChange }: ColourProps) {
  const written = value.trim()
  const used = written === '' ? inherited.trim() : written
  const isKnown = isColour(used)
  const proposal = isKnown && !canBeRead(used, ground) ? readableOn(used, ground) : null
  const own = faultOf(written, used, ground)
  return (
    <div className={styles.colour}>
      <Field
        label={label}
        help={own === null && isKnown ? words.contrast(contrastOn(used, ground)) : written === '' ? empty : undefined}
        error={own ?? refused}
      >
        {wiring => (
          <div className={styles.row}>
            <input
              type="color"
              className={styles.swatch}
              aria-label={words.picker(label)}
              value={isKnown ? used.toLowerCase() : OWN[ground]}
              onChange={event => onChange(event.target.value)}
            />
            <input
              type="text"
              className={styles.hex}
              autoComplete="off"
              spellCheck={false}
              maxLength={7}
              placeholder={isKnown ? used : OWN[ground]}
              value={value}
              onChange={event => onChange(event.target.value)}
              {...wiring}
            />
          </div>
        )}
      </Field>
      {proposal !== null && (
        <Button small onClick={() => onChange(proposal)}>
          {words.take(proposal)}
        </Button>
      )}
    </div>
  )
}

function faultOf(written: string, used: string, ground: Ground): string | null {
  if (written !== '' && !isColour(written)) return words.notColour
  if (!isColour(used) || canBeRead(used, ground)) return null
  return words.tooLittle(contrastOn(used, ground))
}
