import { type ComponentProps, type ReactNode, useId } from 'react'
import { cx } from '../lib/cx.ts'
import styles from './field.module.css'
import { Icon } from './icon.tsx'

type FieldProps = {
  readonly label: string
  readonly help?: ReactNode
  /** What is wrong with the value, and what to do. Read out when it appears. */
  readonly error?: string | null
  readonly hideLabel?: boolean
}

type Wiring = { readonly id: string; readonly 'aria-describedby'?: string; readonly 'aria-invalid'?: true }

/** A label, a control, its help and its error. `children` gets the attributes that tie them together. */
export function Field({
  label,
  help,
  error,
  hideLabel = false,
  children,
}: FieldProps & { readonly children: (wiring: Wiring) => ReactNode }) {
  const id = useId()
  const describedBy = cx(help !== undefined && `${id}-help`, error && `${id}-error`)
  return (
    <div className={styles.field}>
      {!hideLabel && (
        <label className={styles.label} htmlFor={id}>
          {label}
        </label>
      )}
      {children({
        id,
        ...(hideLabel && { 'aria-label': label }),
        ...(describedBy !== '' && { 'aria-describedby': describedBy }),
        ...(error && { 'aria-invalid': true as const }),
      })}
      {help !== undefined && (
        <div id={`${id}-help`} className={styles.help}>
          {help}
        </div>
      )}
      <div role="alert">
        {error && (
          <div id={`${id}-error`} className={styles.error}>
            <Icon name="warning" size={14} />
            {error}
          </div>
        )}
      </div>
    </div>
  )
}

type TextFieldProps = FieldProps &
  Omit<ComponentProps<'input'>, 'onChange' | 'value'> & {
    readonly value: string
    readonly onChange: (value: string) => void
    readonly mono?: boolean
  }

export function TextField({ label, help, error, hideLabel, mono, onChange, className, ...rest }: TextFieldProps) {
  return (
    <Field label={label} help={help} error={error} hideLabel={hideLabel}>
      {wiring => (
        <input
          type="text"
          autoComplete="off"
          spellCheck={false}
          className={cx(styles.input, mono && styles.mono, className)}
          onChange={event => onChange(event.target.value)}
          {...rest}
          {...wiring}
        />
      )}
    </Field>
  )
}

type TextAreaProps = FieldProps &
  Omit<ComponentProps<'textarea'>, 'onChange' | 'value'> & {
    readonly value: string
    readonly onChange: (value: string) => void
    readonly mono?: boolean
  }

export function TextArea({ label, help, error, hideLabel, mono, onChange, className, ...rest }: TextAreaProps) {
  return (
    <Field label={label} help={help} error={error} hideLabel={hideLabel}>
      {wiring => (
        <textarea
          spellCheck={false}
          className={cx(styles.input, mono && styles.mono, className)}
          onChange={event => onChange(event.target.value)}
          {...rest}
          {...wiring}
        />
      )}
    </Field>
  )
}
