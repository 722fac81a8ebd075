/** Describes the settings for --help and for docs/configuration.md. */
import { flagName, SETTING_KEYS, SETTINGS, type Setting, type SettingKey, variableName } from './settings.ts'

export type SettingDescription = {
  readonly key: SettingKey
  /** Null if it has no flag. */
  readonly flag: string | null
  readonly variable: string
  readonly inFile: boolean
  readonly shape: 'scalar' | 'list' | 'switch'
  readonly placeholder: string
  /** What the value must be; completes "must be …". */
  readonly rule: string
  /** The default as you would type it. Null if there is none. */
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

<!-- Generated from packages/server/src/config/settings.ts by packages/server/scripts/write-docs.ts: edit those. -->

This page is for operators. It lists every setting of \`posthorn serve\`, which are also the arguments of
[\`createPosthorn\`](library.md).

Posthorn takes each setting from the first of these sources that has it: a flag, an environment variable, the
configuration file, the default. All values are checked at startup, even those that another source overrides. An unknown
flag, an unknown variable that begins with \`POSTHORN_\`, an unknown key or an invalid value stops the startup with exit
code 2. All problems are reported together.

- **Flags**: \`--port 8470\` or \`--port=8470\`. Separate the items of a list with commas, or repeat the flag.
  \`--dev\` needs no value; \`--no-dev\` is its opposite.
- **Environment variables**: separate the items of a list with commas; a switch is \`true\`, \`1\`, \`false\` or \`0\`.
  An empty variable counts as not set. The variables that Kubernetes sets for a service named \`posthorn\` are ignored.
- **File**: one JSON object, named by \`--config\` or \`POSTHORN_CONFIG\`. Lists are arrays; numbers and switches are
  written without quotes. Relative paths in the file start at its folder, all others at the working directory.
- **Secrets** have no flag, because flags are visible in the process list. No message shows a secret.

Node's own variable \`NODE_EXTRA_CA_CERTS\` applies in addition to \`extraCa\`.

| setting | must be | default | meaning |
| --- | --- | --- | --- |
`

/** Returns the text of docs/configuration.md. */
export function configDocs(): string {
  const rows = describeSettings().map(setting => {
    const names = [setting.inFile ? setting.key : null, setting.flag, setting.variable].filter(name => name !== null)
    const byDefault = setting.default === null ? 'none' : setting.default === '' ? 'empty' : `\`${setting.default}\``
    return `| ${names.map(name => `\`${name}\``).join('<br>')} | ${setting.rule} | ${byDefault} | ${setting.doc} |\n`
  })
  return (
    INTRODUCTION +
    rows.join('') +
    '\n## Next\n\n[Operations](operations.md) shows how to monitor Posthorn, [capacity and scaling](scaling.md) how to ' +
    'size it.\n'
  )
}
