import type { Command } from 'commander'
import { addCommand, withServer } from '../../command.ts'
import { EXIT } from '../../exit.ts'
import { Problem } from '../../problem.ts'
import type { Terminal } from '../../terminal/index.ts'
import { addScope, type ScopeFlags, scopeOf } from '../scope.ts'
import type { ExportFlags } from './exporting.ts'

export function addExport(root: Command, terminal: Terminal): void {
  const command = addCommand(root, 'export', 'Write everything that is kept of a tenant, or of all, as NDJSON.', [
    ['posthorn export --tenant acme --output acme.ndjson', 'Into a file. Ctrl-C, and --resume continues.'],
    ['posthorn export --all-tenants --output all.ndjson --resume', 'All tenants, one after the other.'],
    [`posthorn export --tenant acme | jq -c 'select(.kind == "event").payload'`, 'The payloads, to standard output.'],
  ])
  addScope(command)
    .option('--output <file>', 'The file to write. Default: standard output.')
    .option('--resume', 'Continue the file where it was cut off.')
    .option('--overwrite', 'Replace the file.')
    .addHelpText(
      'after',
      "\nA JSON object a line, each with its kind: event_type, export (a tenant's part begins), tenant, endpoint," +
        '\nnotification, event, delivery, attempt, end (the part is complete, with the number of its lines) and, at the' +
        '\nend of the file, end_of_export. Without that line the file is incomplete. No secrets are in it. An API key' +
        '\nthat cannot see payloads gets neither those nor what receivers responded. See docs/retention.md.\n',
    )
  withServer(command, terminal, async (run, flags: ScopeFlags & ExportFlags) => {
    const tenant = scopeOf(run, flags)
    if (tenant === null && flags.allTenants !== true) {
      throw new Problem('Choose the tenant with --tenant, or all of them with --all-tenants.', EXIT.usage)
    }
    if (flags.output === undefined && flags.resume === true) {
      throw new Problem('Only a file can be continued: add --output <file>.', EXIT.usage)
    }
    const { exportTo } = await import('./exporting.ts')
    await exportTo(run, tenant, flags)
  })
}
