/** The settings told to people: for --help and for docs/configuration.md. */
import { flagName, SETTING_KEYS, SETTINGS, type Setting, type SettingKey, variableName } from './settings.ts'

export type SettingDescription = {
  readonly key: SettingKey
  /** Without a flag: null. */
  readonly flag: string | null
  readonly variable: string
  readonly inFile: boolean
  readonly shape: 'scalar' | 'list' | 'switch'
  readonly placeholder: string
  /** What the value must be, continuing "must be …". */
  readonly rule: string
  /** As one would type it, or null where there is none. */
  readonly default: string | null
  readonly doc: string
}

export function describeSettings(): SettingDescription[] {
  return SETTING_KEYS.map(key => {
    const { kind, doc, sources, default: byDefault }: Setting<unknown> = SETTINGS[key]
    return {
      key,
      flag: sources.includes('flag') ? flagName(key) : null,
      variable: variableName(key),
      inFile: sources.includes('file'),
      shape: kind.shape,
      placeholder: kind.placeholder,
      rule: kind.rule,
      default: byDefault === undefined ? null : Array.isArray(byDefault) ? byDefault.join(',') : String(byDefault),
      doc,
    }
  })
}

const INTRODUCTION = `# Configuration

<!-- Made from packages/server/src/config/settings.ts by packages/server/scripts/write-docs.ts: edit those. -->

\`posthorn serve\` takes each setting from the first of these that has it: a flag, an environment variable, the
configuration file, the default. Everything given is checked at start, also what something else overrides. An unknown
flag, an unknown variable that begins with \`POSTHORN_\`, an unknown key and a bad value are all refused, all of them at
once, and the process ends with exit code 2.

- **Flags**: \`--port 8470\` or \`--port=8470\`. Items of a list are parted by commas, or the flag is given again.
  \`--dev\` needs no value; \`--no-dev\` is its opposite.
- **Environment variables**: items of a list are parted by commas; \`true\`, \`1\`, \`false\` or \`0\` for a switch. An empty
  variable counts as not set. The variables that Kubernetes sets for a service named \`posthorn\` are left alone.
- **File**: one JSON object, named by \`--config\` or \`POSTHORN_CONFIG\`; lists are arrays, numbers and switches stand
  without quotes. Relative paths in it count from the file's own folder, elsewhere from the working directory.
- **Secrets** have no flag, because flags show in the list of processes. No message shows their value.

\`NODE_EXTRA_CA_CERTS\`, Node's own variable, counts besides \`extraCa\`.

| setting | must be | default | meaning |
| --- | --- | --- | --- |
`

/** The whole of docs/configuration.md. */
export function configDocs(): string {
  const rows = describeSettings().map(setting => {
    const names = [setting.inFile ? setting.key : null, setting.flag, setting.variable].filter(name => name !== null)
    const byDefault = setting.default === null ? 'none' : setting.default === '' ? 'empty' : `\`${setting.default}\``
    return `| ${names.map(name => `\`${name}\``).join('<br>')} | ${setting.rule} | ${byDefault} | ${setting.doc} |\n`
  })
  return INTRODUCTION + rows.join('')
}
