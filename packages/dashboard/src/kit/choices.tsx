import { Checkbox as BaseCheckbox } from '@base-ui/react/checkbox'
import { Combobox as BaseCombobox } from '@base-ui/react/combobox'
import { Select as BaseSelect } from '@base-ui/react/select'
import { Switch as BaseSwitch } from '@base-ui/react/switch'
import { Toggle } from '@base-ui/react/toggle'
import { ToggleGroup } from '@base-ui/react/toggle-group'
import { type ReactNode, useState } from 'react'
import { cx } from '../lib/cx.ts'
import { common } from '../strings/index.ts'
import styles from './field.module.css'
import { Field } from './field.tsx'
import { Icon } from './icon.tsx'
import popup from './popup.module.css'

type CheckboxProps = {
  readonly checked: boolean
  readonly onChange: (checked: boolean) => void
  readonly label: string
  readonly hideLabel?: boolean
  readonly indeterminate?: boolean
  readonly disabled?: boolean
}

export function Checkbox({ checked, onChange, label, hideLabel = false, indeterminate, disabled }: CheckboxProps) {
  const box = (
    <BaseCheckbox.Root
      className={styles.box}
      checked={checked}
      indeterminate={indeterminate ?? false}
      disabled={disabled ?? false}
      aria-label={hideLabel ? label : undefined}
      onCheckedChange={next => onChange(next)}
    >
      <BaseCheckbox.Indicator>
        <Icon name={indeterminate ? 'minus' : 'check'} size={12} />
      </BaseCheckbox.Indicator>
    </BaseCheckbox.Root>
  )
  if (hideLabel) return box
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the box is the control
    <label className={styles.row}>
      {box}
      <span>{label}</span>
    </label>
  )
}

/** For what takes effect immediately. In a form, use a checkbox. */
export function Switch({ checked, onChange, label, disabled }: Omit<CheckboxProps, 'indeterminate' | 'hideLabel'>) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the switch is the control
    <label className={styles.row}>
      <BaseSwitch.Root
        className={styles.switch}
        checked={checked}
        disabled={disabled ?? false}
        onCheckedChange={next => onChange(next)}
      >
        <BaseSwitch.Thumb className={styles.thumb} />
      </BaseSwitch.Root>
      <span>{label}</span>
    </label>
  )
}

export type Option<Value extends string = string> = { readonly value: Value; readonly label: string }

type SegmentedProps<Value extends string> = {
  readonly label: string
  readonly value: Value
  readonly options: readonly Option<Value>[]
  readonly onChange: (value: Value) => void
}

/** One of a few choices that are all seen. */
export function SegmentedControl<Value extends string>({ label, value, options, onChange }: SegmentedProps<Value>) {
  return (
    <ToggleGroup
      aria-label={label}
      className={styles.segments}
      value={[value]}
      onValueChange={next => {
        const [chosen] = next
        if (chosen !== undefined) onChange(chosen as Value)
      }}
    >
      {options.map(option => (
        <Toggle key={option.value} value={option.value} className={styles.segment}>
          {option.label}
        </Toggle>
      ))}
    </ToggleGroup>
  )
}

type SelectProps<Value extends string> = SegmentedProps<Value> & {
  readonly help?: ReactNode
  readonly error?: string | null
  readonly hideLabel?: boolean
}

/** One of several choices. */
export function Select<Value extends string>(props: SelectProps<Value>) {
  const { label, value, options, onChange, help, error, hideLabel } = props
  return (
    <Field label={label} help={help} error={error} hideLabel={hideLabel}>
      {wiring => (
        <BaseSelect.Root
          value={value}
          items={[...options]}
          onValueChange={next => {
            if (next !== null) onChange(next as Value)
          }}
        >
          <BaseSelect.Trigger className={cx(styles.input, styles.trigger)} {...wiring}>
            <BaseSelect.Value />
            <Icon name="down" />
          </BaseSelect.Trigger>
          <BaseSelect.Portal>
            <BaseSelect.Positioner className={popup.positioner} sideOffset={4} alignItemWithTrigger={false}>
              <BaseSelect.Popup className={popup.popup}>
                {options.map(option => (
                  <BaseSelect.Item key={option.value} value={option.value} className={popup.item}>
                    <span className={popup.mark}>
                      <BaseSelect.ItemIndicator>
                        <Icon name="check" />
                      </BaseSelect.ItemIndicator>
                    </span>
                    <BaseSelect.ItemText>{option.label}</BaseSelect.ItemText>
                  </BaseSelect.Item>
                ))}
              </BaseSelect.Popup>
            </BaseSelect.Positioner>
          </BaseSelect.Portal>
        </BaseSelect.Root>
      )}
    </Field>
  )
}

/** `isOwn`: it is offered only because it is what was typed. */
export type Choice = Option & { readonly isOwn?: boolean }

type ComboboxProps = {
  readonly label: string
  readonly value: string | null
  readonly options: readonly Choice[]
  readonly onChange: (value: string | null) => void
  /** Called with what is typed, if the choices come from the server. They are then not filtered here. */
  readonly onSearch?: (text: string) => void
  readonly placeholder?: string
  readonly help?: ReactNode
  readonly error?: string | null
  readonly hideLabel?: boolean
}

const isWritten = ({ value, label }: Option, typed: string): boolean => value === typed || label === typed

/** What is written in full comes first, if it is no choice only because it is written. */
function exactFirst(options: readonly Choice[], typed: string): Choice[] {
  const isExact = (option: Choice) => !option.isOwn && isWritten(option, typed)
  return [...options.filter(isExact), ...options.filter(option => !isExact(option))]
}

/** What is meant by a text that is left in the field: what is written in full, or all that has it in its name. */
function meantBy(options: readonly Choice[], typed: string): Choice | undefined {
  const written = exactFirst(options, typed).find(option => isWritten(option, typed))
  if (written !== undefined) return written
  const found = options.filter(({ label }) => label.toLowerCase().includes(typed.toLowerCase()))
  return found.length === 1 ? found[0] : undefined
}

/** One of many choices, found by typing. Enter takes the first; leaving the field takes what can only be meant. */
export function Combobox(props: ComboboxProps) {
  const { label, value, options, onChange, onSearch, placeholder, help, error, hideLabel } = props
  const [typed, setTyped] = useState('')
  const chosen = options.find(option => option.value === value) ?? (value === null ? null : { value, label: value })
  return (
    <Field label={label} help={help} error={error} hideLabel={hideLabel}>
      {wiring => (
        <BaseCombobox.Root
          items={exactFirst(options, typed)}
          autoHighlight
          value={chosen}
          isItemEqualToValue={(a: Option, b: Option) => a.value === b.value}
          itemToStringLabel={(option: Option) => option.label}
          onValueChange={next => onChange((next as Option | null)?.value ?? null)}
          onInputValueChange={(text, { reason }) => {
            setTyped(reason === 'input-change' ? text.trim() : '')
            onSearch?.(text)
          }}
          onOpenChange={(isOpen, { reason }) => {
            if (isOpen || typed === '' || (reason !== 'focus-out' && reason !== 'outside-press')) return
            const meant = meantBy(options, typed)
            if (meant !== undefined) onChange(meant.value)
          }}
          filter={onSearch === undefined ? undefined : null}
        >
          <div className={styles.combo}>
            <BaseCombobox.Input
              className={styles.input}
              placeholder={placeholder}
              // Nothing is found: that is no reason to send the form.
              onKeyDown={event => {
                if (event.key === 'Enter' && typed !== '') event.preventDefault()
              }}
              {...wiring}
            />
            <Icon name="down" />
          </div>
          <BaseCombobox.Portal>
            <BaseCombobox.Positioner className={popup.positioner} sideOffset={4} align="start">
              <BaseCombobox.Popup className={cx(popup.popup, styles.list)}>
                <BaseCombobox.Empty className={popup.empty}>{common.noOptions}</BaseCombobox.Empty>
                <BaseCombobox.List>
                  {(option: Option) => (
                    <BaseCombobox.Item key={option.value} value={option} className={popup.item}>
                      <span className={popup.mark}>
                        <BaseCombobox.ItemIndicator>
                          <Icon name="check" />
                        </BaseCombobox.ItemIndicator>
                      </span>
                      {option.label}
                    </BaseCombobox.Item>
                  )}
                </BaseCombobox.List>
              </BaseCombobox.Popup>
            </BaseCombobox.Positioner>
          </BaseCombobox.Portal>
        </BaseCombobox.Root>
      )}
    </Field>
  )
}
