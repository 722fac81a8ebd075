import { type Static, Type } from 'typebox'
import type { SettingInEffect } from '../../config/in-effect.ts'
import type { Routes } from '../http/routes.ts'
import { NoQuery, ref, TextOrNull, Word } from '../http/shapes.ts'
import type { ApiOptions } from '../options.ts'
import { resource } from '../resource.ts'
import examples from './settings.examples.json' with { type: 'json' }

const SOURCES = ['argument', 'flag', 'environment', 'file'] as const

/** As it would be written in the file. */
const Value = (description: string) =>
  Type.Unsafe<unknown>({
    type: ['string', 'number', 'boolean', 'array', 'null'],
    items: { type: ['string', 'number'] },
    description,
  })

const SettingSchema = Type.Object(
  {
    name: Type.String({ description: 'Name of the setting, and its key in the configuration file.' }),
    value: Value(
      'The value in effect, as it would be written in the configuration file. Null if there is none, or if the ' +
        'setting is secret.',
    ),
    secret: Type.Boolean({ description: 'Whether the value is secret, and therefore never shown.' }),
    set: Type.Boolean({ description: 'Whether the setting has a value, the default included.' }),
    source: Word([...SOURCES, 'default'] as const, {
      description: 'Where the value comes from. `argument`: from the program that Posthorn runs in.',
    }),
    overridden: Type.Array(Word(SOURCES), {
      description: 'Sources that also have a value, which does not apply because `source` comes before them.',
    }),
    default: Value('The default. Null if there is none.'),
    description: Type.String(),
    rule: Type.String({ description: 'What a value must be; completes "must be …".' }),
    flag: TextOrNull({ description: 'The flag that sets it. Null if there is none.' }),
    variable: Type.String({ description: 'The environment variable that sets it.' }),
    inFile: Type.Boolean({ description: 'Whether the configuration file can set it.' }),
    needsRestart: Type.Boolean({
      description: 'Whether a change takes effect only when the node is restarted. Today, all settings are such.',
    }),
  },
  { $id: 'Setting' },
)

const SettingsSchema = Type.Object(
  {
    node: Type.String({ description: 'Id of the node that responded. Others can have other settings.' }),
    data: Type.Array(ref(SettingSchema), { description: 'All settings, in the order of the documentation.' }),
  },
  { $id: 'Settings' },
)

type SettingView = Static<typeof SettingSchema>

/** The settings in effect on the node that responds. */
export const settingsResource = resource({
  tag: 'Operations',
  components: [SettingSchema, SettingsSchema],
  examples,
  add(routes, _services, options) {
    addListing(routes, options)
  },
})

function addListing(routes: Routes, { nodeId, settings }: Pick<ApiOptions, 'nodeId' | 'settings'>): void {
  routes.get(
    '/v1/settings',
    {
      access: 'operator',
      operationId: 'getSettings',
      summary: 'List the settings in effect and where each comes from',
      description: 'Secrets are not shown. docs/configuration.md describes how to set them.',
      querystring: NoQuery,
      response: { 200: { ...ref(SettingsSchema), description: 'The settings of the node that responded.' } },
    },
    async () => ({ node: nodeId, data: settings().map(viewSetting) }),
  )
}

function viewSetting(setting: SettingInEffect): SettingView {
  const { key, value, isSecret, isSet, source, overridden, byDefault, doc, rule, flag, variable, inFile } = setting
  return {
    name: key,
    value,
    secret: isSecret,
    set: isSet,
    source,
    overridden: [...overridden],
    default: byDefault,
    description: doc,
    rule,
    flag,
    variable,
    inFile,
    needsRestart: true,
  }
}
