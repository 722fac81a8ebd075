/** The settings that a process runs with, and where each comes from. No secret is among the values. */
import type { Origins } from './config.ts'
import { describeSettings, type SettingDescription } from './descriptions.ts'
import { type Config, SETTINGS, type Setting, type Source } from './settings.ts'

export type SettingInEffect = Omit<SettingDescription, 'default'> & {
  /** As it would be written in the file. Null if there is none. */
  readonly byDefault: unknown
  /** As it would be written in the file. Null if the setting has none, or if it is secret. */
  readonly value: unknown
  /** Whether the value is secret, and therefore never shown. */
  readonly isSecret: boolean
  /** Whether there is a value, the default included. */
  readonly isSet: boolean
  readonly source: Source | 'default'
  /** Sources that also have a value, which is not used. */
  readonly overridden: readonly Source[]
}

/** In the order of `--help`. */
export function settingsInEffect(config: Config, origins: Origins): SettingInEffect[] {
  return describeSettings().map(({ default: _asTyped, ...description }) => {
    const { kind, default: byDefault = null }: Setting<unknown> = SETTINGS[description.key]
    const value = config[description.key]
    const isSet = Array.isArray(value) && kind.secret ? value.length > 0 : value !== null
    const [source = 'default', ...overridden] = origins[description.key] ?? []
    // Whether a value is shown depends on its kind alone, so that no way of showing one can reveal a secret.
    const shown = kind.secret || value === null ? null : kind.show(value as NonNullable<unknown>)
    return { ...description, byDefault, value: shown, isSecret: kind.secret, isSet, source, overridden }
  })
}
