/** Turns the settings into flags of a command. */
import { type Command, Option } from 'commander'
import type { Flags } from '../config/config.ts'
import { describeSettings, type SettingDescription } from '../config/descriptions.ts'

/** Adds the flags of the given settings. Default: of all settings. */
export function addSettings(command: Command, keys?: readonly string[]): void {
  for (const setting of describeSettings()) {
    if (keys !== undefined && !keys.includes(setting.key)) continue
    for (const option of optionsOf(setting)) command.addOption(option)
  }
}

function optionsOf(setting: SettingDescription): Option[] {
  if (setting.flag === null) return []
  if (setting.shape === 'switch') {
    return [new Option(setting.flag, setting.doc), new Option(setting.flag.replace('--', '--no-')).hideHelp()]
  }
  const byDefault = setting.default ? ` Default: ${setting.default}.` : ''
  const option = new Option(`${setting.flag} <${setting.placeholder}>`, setting.doc + byDefault)
  option.argParser<readonly string[]>((value, before) => (Array.isArray(before) ? [...before, value] : [value]))
  // Shown as requiring a value, but parsed as if it were optional: else "--port --dev" would read "--dev" as the port.
  option.required = false
  option.optional = true
  return [option]
}

/** Returns what was typed, for the configuration to check, and a sentence for each word that belongs to no flag. */
export function flagsOf(command: Command): { flags: Flags; words: string[] } {
  const flags: Record<string, boolean | string[]> = {}
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName())
    if (value !== undefined) flags[`--${option.name().replace(/^no-/, '')}`] = value as boolean | string[]
  }
  const firstUnknown = command.args.findIndex(each => each.startsWith('-'))
  const words = firstUnknown < 0 ? command.args : command.args.slice(0, firstUnknown)
  // Words after an unknown flag are taken for its value and not shown: they might be "--api-key" and a secret.
  const unknown = command.args.slice(words.length).filter(each => each.startsWith('-'))
  for (const each of unknown) flags[each.split('=', 1)[0]!] = [each.split('=')[1] ?? '']
  const hint = 'serve takes only flags (with npm: npm start -- --port 0)'
  return { flags, words: words.map(word => `unexpected argument ${JSON.stringify(word)}: ${hint}.`) }
}
